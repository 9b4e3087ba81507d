"""Which ways there are to reach a person in this installation; a rail without keys is off."""

from __future__ import annotations

from dataclasses import dataclass

from littleshop.config import Settings
from littleshop.notify.push import Push
from littleshop.notify.sms import Sms


@dataclass(frozen=True, slots=True)
class Channels:
    """None stands for a rail that is off."""

    sms: Sms | None = None
    push: Push | None = None

    async def close(self) -> None:
        for channel in (self.sms, self.push):
            if channel is not None:
                await channel.close()


def open_channels(settings: Settings) -> Channels:
    """The channels of `settings.rails`; made once per process. Raises ValueError on bad keys."""
    sms, push = settings.rails.get("sms"), settings.rails.get("push")
    if sms is not None and sms.get("vendor") != "aliyun":
        raise ValueError(f"no SMS vendor is called {sms.get('vendor')!r}")
    return Channels(
        sms=Sms(sms) if sms is not None else None,
        push=Push(push, demo=settings.mode == "demo") if push is not None else None,
    )
