"""Telling followers of a parcel's scans as the clock moves.

At once, then three times more after half an hour each, as Kuaidi100 says of itself.
"""

import json
from datetime import timedelta

from sandbox.clock import stamp
from sandbox.courier import kdniao, kuaidi100, ways
from sandbox.notices import Copy, Sender
from sandbox.store import Row
from sandbox.world import World

WAITS = [timedelta(minutes=30)] * 3
_FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}


def settle(world: World) -> None:
    """Scans that have happened are told to whoever asked for them, all that is known each time."""
    now = stamp(world.clock.now())
    with world.store.transaction():
        for row in world.store.all(
            "select u.* from courier_subscriptions u where exists (select 1 from courier_scans s"
            " where s.number = u.number and s.at > u.pushed_to and s.at <= ?)",
            now,
        ):
            scans = ways.so_far(world, row["number"])
            over = scans[0]["state"] in ways.OVER
            told = {
                "service": row["service"],
                "number": row["number"],
                "subscription": row["id"],
                "upto": scans[0]["at"],
                "kind": "over" if over else "under_way",
            }
            SENDER.write(world, told, of_payment=not over)
            world.store.run(
                "update courier_subscriptions set pushed_to = ? where id = ?",
                scans[0]["at"],
                row["id"],
            )


def again(world: World, number: str) -> int:
    """Tell everything about a parcel once more, now; how many times."""
    return sum(SENDER.resend(world, service, number) for service in ("kuaidi100", "kdniao"))


def _copies(world: World, notice: Row, count: int) -> list[Copy]:
    row = world.store.one(
        "select * from courier_subscriptions where id = ?", notice["subscription"]
    )
    assert row is not None
    scans = ways.so_far(world, row["number"], notice["upto"])
    copies = []
    for _ in range(count):
        forged = world.faults.strikes("courier.notify.forge")
        if row["service"] == "kuaidi100":
            text = kuaidi100.body(row, scans, forged=forged)
        else:
            text = kdniao.body(world, row, scans, forged=forged)
        told = {"body": text, "twist": "forged" if forged else ""}
        copies.append(Copy(row["url"], told, _FORM, text.encode(), counts=not forged))
    return copies


def _heard(status: int, text: str) -> bool:
    try:
        said = json.loads(text)
    except ValueError:
        return False
    yes = isinstance(said, dict) and (said.get("result") or said.get("Success"))
    return status == 200 and yes is True


SENDER = Sender(
    rail="courier",
    notices="courier_notices",
    attempts="courier_attempts",
    owner=("service", "number"),
    waits=WAITS,
    copies=_copies,
    dropped={"body": "", "twist": "dropped"},
    heard=_heard,
    refund="kind = 'over'",
    due=(
        "select min(s.at) as at from courier_scans s join courier_subscriptions u"
        " on u.number = s.number and s.at > u.pushed_to",
    ),
)
