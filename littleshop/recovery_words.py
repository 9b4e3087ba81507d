"""What `./run recover` says: whom it asked, what they said, what is left, where, and what next."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import msgspec

from littleshop import db, recoveries
from littleshop.clock import SHANGHAI
from littleshop.errors import GatewayError
from littleshop.i18n import t
from littleshop.pay.gateways import BillNotReady
from littleshop.recoveries import Recovery
from littleshop.settlement import bills, statements

LOCALES = ("en", "zh-CN")
_BEHIND = "invalid-timestamp"  # Alipay's word for a clock that is not its own


class Left(msgspec.Struct, frozen=True):
    """What stands between a recovery and its release."""

    asked: list[str]
    answered: list[str]
    differences: int
    entries: int
    day_over: bool


async def left(
    conn: db.Connection, recovery: Recovery, asked: Collection[str], at: datetime
) -> Left:
    """Read it, after everybody was asked."""
    heard = await recoveries.answers(conn, recovery)
    return Left(
        asked=list(asked),
        answered=[name for name in asked if name in heard],
        differences=len(await bills.unexplained(conn)),
        entries=len(await statements.waiting(conn)),
        day_over=at.astimezone(SHANGHAI).date() > recovery.restored_at.astimezone(SHANGHAI).date(),
    )


def sentences(
    found: Left, faults: Collection[str], desk: str, mute: Collection[str] = ()
) -> Iterator[str]:
    """The report, each sentence in both languages; `desk` is the address of the page, `mute` are
    the rails without bills: what they took under a number that the backup never knew, nobody can
    ask them."""
    missing = [name for name in found.asked if name not in found.answered]
    yield from _both("recover.asked", names=", ".join(found.asked) or "-")
    if found.answered:
        yield from _both("recover.answered", names=", ".join(found.answered))
    if missing:
        yield from _both("recover.silent", names=", ".join(missing))
    if mute:
        yield from _both("recover.unasked", names=", ".join(mute), desk=desk)
    unexplained = found.differences + found.entries
    if unexplained:
        yield from _both(
            "recover.left", differences=found.differences, entries=found.entries, desk=desk
        )
    else:
        yield from _both("recover.nothing_left")
    if faults or missing:
        yield from _both("recover.next.again")
    elif unexplained:
        yield from _both("recover.next.explain")
    else:
        yield from _both("recover.next.release" if found.day_over else "recover.next.tomorrow")


def fault(name: str, no: GatewayError) -> str:
    """What a rail did not do, and what to do about it."""
    if isinstance(no, BillNotReady):
        return "\n".join(_both("recover.no_bill", rail=name, day=no.day.isoformat()))
    return worded(f"{name}: {no}")


def worded(said: str) -> str:
    """A fault as a person can act on it."""
    if _BEHIND in said:
        return "\n".join(_both("recover.behind", rail=said.partition(":")[0]))
    return said


def _both(key: str, **facts: object) -> Iterator[str]:
    return (t(locale, key, **facts) for locale in LOCALES)
