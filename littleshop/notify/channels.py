"""Which ways there are to reach a person in this installation; a rail without keys is off."""

from __future__ import annotations

from dataclasses import dataclass

from littleshop.config import Settings
from littleshop.notify import wechat
from littleshop.notify.mail import Mail
from littleshop.notify.push import Push
from littleshop.notify.sms import Sms
from littleshop.notify.wechat import WechatNotices


@dataclass(frozen=True, slots=True)
class Channels:
    """None stands for a rail that is off."""

    sms: Sms | None = None
    push: Push | None = None
    mail: Mail | None = None
    wechat: WechatNotices | None = None

    async def close(self) -> None:
        for channel in (self.sms, self.push, self.mail, self.wechat):
            if channel is not None:
                await channel.close()


def open_channels(settings: Settings, token: wechat.Token | None = None) -> Channels:
    """The channels of `settings.rails`; made once per process. `token` is the official account's
    access token, kept for all processes. Raises ValueError on bad keys."""
    sms, push = settings.rails.get("sms"), settings.rails.get("push")
    mail, official = settings.rails.get("mail"), settings.rails.get("wechat_official")
    if sms is not None and sms.get("vendor") != "aliyun":
        raise ValueError(f"no SMS vendor is called {sms.get('vendor')!r}")
    return Channels(
        sms=Sms(sms) if sms is not None else None,
        push=Push(push, demo=settings.mode == "demo") if push is not None else None,
        mail=Mail(mail) if mail is not None else None,
        wechat=wechat.open_notices(official, token) if official and token else None,
    )
