"""What goes to an address that is no phone: a letter by mail, a template message of WeChat. Both
say what a browser's notice says, and where it leads."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop.notify.channels import Channels


class Told(msgspec.Struct, frozen=True):
    """A notice: title, body, where it leads, and what it replaces."""

    title: str
    body: str
    url: str
    tag: str = ""


async def send(
    channels: Channels,
    public_url: str,
    channel: str,
    to: str,
    told: Told,
    message_id: UUID,
    at: datetime,
) -> tuple[str, str]:
    """The wire call; the status it leaves and the vendor's word. Raises Unwanted, GatewayError."""
    link = told.url if told.url.startswith("http") else public_url + told.url
    if channel == "wechat":
        if channels.wechat is None:
            return "off", "no WeChat template"
        return "sent", await channels.wechat.send(to, told.title, told.body, link, at)
    if channels.mail is None:
        return "off", "no mail server"
    text = f"{told.body}\n\n{link}\n"
    said = await channels.mail.send(to, told.title, text, message_id=message_id.hex, at=at)
    return "sent", said
