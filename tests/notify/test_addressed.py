"""Mail and WeChat: what the wire carries, and what a no means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from littleshop.errors import GatewayError, Refused
from littleshop.notify import mail
from littleshop.notify.mail import Mail
from littleshop.notify.sms import Unwanted
from littleshop.notify.wechat import WechatNotices
from littleshop.wires import Wire
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.store import Store
from sandbox.wires.mail import MailServer
from sandbox.world import World

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


async def test_a_letter_arrives_whole_and_an_address_that_is_not_there_is_left_alone(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "sandbox.sqlite")
    server = MailServer(World(store, Clock(store), Faults(store), ""))
    await server.start("127.0.0.1")
    port = int(store.setting("mail port") or 0)
    rail = {"host": "127.0.0.1", "port": port, "sender": "shop <a@b.invalid>", "tls": "none"}
    sender = Mail(rail)
    text = "小满：3 单还没人看\n.\n..两点\nhttp://x/"
    await sender.send("x@shop.example", "有新订单", text, message_id="1", at=AT)
    with pytest.raises(Unwanted):
        await sender.send("gone@shop.example", "a", "b", message_id="2", at=AT)
    with pytest.raises(GatewayError) as later:
        await sender.send("full@shop.example", "a", "b", message_id="3", at=AT)
    assert later.value.retryable
    (kept,) = store.all("select * from sms_messages")
    assert (kept["phone"], kept["text"]) == ("x@shop.example", f"有新订单\n{text}")
    await server.stop()
    with pytest.raises(GatewayError) as away:
        await sender.send("x@shop.example", "a", "b", message_id="4", at=AT)
    assert away.value.retryable
    store.close()


def test_a_mail_server_elsewhere_is_never_spoken_to_in_the_open() -> None:
    rail = {"host": "mail.example.org", "port": 25, "sender": "a@b.invalid"}
    for bad in ("none", "ssl"):
        with pytest.raises(ValueError, match="mail"):
            Mail({**rail, "tls": bad})
    assert mail.address(" Xiaoman@Example.COM ") == "Xiaoman@example.com"
    for typed in ("", "x", "x@y", "x@y z.com", "x@y.com\r\nBcc: z@z.com", "喵@y.com", "a" * 300):
        with pytest.raises(Refused, match="mail_address"):
            mail.address(typed)


@pytest.mark.parametrize(
    ("code", "fault", "retryable"),
    [(0, None, None), (43004, Unwanted, None), (42001, GatewayError, True),
     (40037, GatewayError, False)],
)  # fmt: skip
async def test_wechat_is_told_in_two_short_fields_and_its_no_is_understood(
    code: int, fault: type[Exception] | None, retryable: bool | None
) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"errcode": code, "errmsg": "x", "msgid": 7})

    async def token(at: datetime, *, refused: str = "") -> str:
        return "a-secret-token"

    wire = Wire("wechat_notices", "http://127.0.0.1:1", transport=httpx.MockTransport(answer))
    notices = WechatNotices(wire, "T1", token)
    if fault is None:
        assert await notices.send("oX", "新订单", "长" * 30, "http://x/", AT) == "7"
    else:
        with pytest.raises(fault) as no:
            await notices.send("oX", "新订单", "b", "http://x/", AT)
        assert retryable is None or getattr(no.value, "retryable", None) is retryable
        assert "a-secret-token" not in str(no.value)
    told = json.loads(asked[0].content)
    assert asked[0].url.params["access_token"] == "a-secret-token"
    assert told["touser"] == "oX" and told["template_id"] == "T1"
    assert len(told["data"]["thing2"]["value"]) <= 20
    await notices.close()


async def test_a_token_that_wechat_forgot_is_replaced_once_and_the_message_sent() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["access_token"])
        return httpx.Response(
            200, json={"errcode": 40001 if asked[-1] == "old" else 0, "errmsg": "", "msgid": 7}
        )

    async def token(at: datetime, *, refused: str = "") -> str:
        return "new" if refused == "old" else "old"

    wire = Wire("wechat_notices", "http://127.0.0.1:1", transport=httpx.MockTransport(answer))
    notices = WechatNotices(wire, "T1", token)
    assert await notices.send("oX", "新订单", "b", "http://x/", AT) == "7"
    assert asked == ["old", "new"]
    await notices.close()
