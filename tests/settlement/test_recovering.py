"""Taken in the middle of a run, restored, on hold, asked, agreed, released: nothing paid twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from littleshop import backing_up, db, recoveries
from littleshop.clock import Clock
from littleshop.errors import Refused
from littleshop.jobs import Context
from littleshop.postgres import Cluster
from littleshop.settlement import funding, handing_in, recovering, settling
from littleshop.settlement.routing import Routing
from tests.cast import CNY, Town
from tests.settlement.paper_bank import PaperBank, beijing, desk, sells, settle, verify
from tests.settlement.paper_rail import PaperTransfers, sending
from tests.settlement.test_settling import of_shop

MON, TUE, WED, THU = (date(2026, 11, 23) + timedelta(days=n) for n in range(4))


@asynccontextmanager
async def restored(town: Town, dsn: str, cluster: Cluster, folder: Path) -> AsyncIterator[Town]:
    """The town as the dump remembers it, on hold, in a database of its own."""
    dump = folder / "database.dump"
    conn = await asyncpg.connect(cluster.dsn())
    name = f"restored_{dsn.rsplit('/', 1)[1].split('?')[0]}"
    await conn.execute(f"create database {name}")
    backing_up._tool("pg_restore", "--no-owner", f"--dbname={cluster.dsn(name)}", str(dump))
    database = await db.open_database(cluster.dsn(name), size=4)
    again = Town(database, town.keyring, town.at, shop_id=town.shop_id, person_id=town.person_id)
    await database.transaction(
        lambda conn: recoveries.begin(conn, town.at, town.at + timedelta(hours=1))
    )
    yield again
    await database.close()
    await conn.execute(f"drop database {name} with (force)")
    await conn.close()


async def owed_on_tuesday(town: Town, bank: PaperBank) -> None:
    await verify(town)
    beijing(town, MON, 10)
    await sells(town, CNY("168.00"))
    bank.lump(MON, CNY("9000.00"))
    beijing(town, TUE, 8)
    bank.today = TUE


async def as_far_as(town: Town, bank: PaperBank, step: str) -> None:
    """Tuesday's run, stopped after a step: made, funded, written."""
    at = desk(town, bank)
    run = await settling.open_run(at, TUE, town.at)
    await settling.make(at, run, set(), town.at)
    if step == "made":
        return
    async with town.database.connection() as conn:
        purse = await funding.purse(conn, "CNY", TUE)
    for payout in await of_shop(town):
        await funding.fund(town.database, payout, purse, town.at)
    if step == "written":
        await handing_in.write(at, run, set(), town.at)


async def asks(town: Town, bank: PaperBank) -> list[str]:
    async with town.database.connection() as conn:
        recovery = await recoveries.current(conn)
    assert recovery is not None
    return await recovering.ask_payout_rails(desk(town, bank), recovery, town.at)


async def releases(town: Town, *others: str) -> bool:
    async def work(conn: db.Connection) -> bool:
        recovery = await recoveries.current(conn)
        assert recovery is not None
        return await recovering.release(
            conn, {}, recovery, payout_rails=["bank", *others], by="operator", at=town.at
        )

    return await town.database.transaction(work)


@pytest.mark.parametrize("step", ["made", "funded", "written"])
async def test_a_backup_of_the_middle_of_a_run_pays_nobody_twice(
    town: Town, dsn: str, cluster: Cluster, tmp_path: Path, step: str
) -> None:
    bank = PaperBank()
    await owed_on_tuesday(town, bank)
    await as_far_as(town, bank, step)
    backing_up._dump(dsn, tmp_path / "database.dump")

    await settle(town, bank)  # the day goes on without the backup, and the machine burns down
    assert bank.handed_in == 1
    bank.pays(TUE, (await of_shop(town))[0])

    async with restored(town, dsn, cluster, tmp_path) as again:
        with pytest.raises(recoveries.OnHold):
            await settle(again, bank)
        assert bank.handed_in == 1, "a restored database handed a file in"
        with pytest.raises(Refused, match="recovery_not_asked"):
            await releases(again)
        assert await asks(again, bank) == []
        with pytest.raises(Refused, match="recovery_day_not_over"):
            await releases(again)
        beijing(again, WED, 9)
        bank.today = WED
        assert await asks(again, bank) == []
        assert await releases(again)
        await settle(again, bank)
        beijing(again, THU, 9)
        await settle(again, bank)
        assert [one.status for one in await of_shop(again)] == ["done"]
        assert bank.handed_in == 1
        await again.books_balance()


async def test_a_payout_of_a_run_that_was_forgotten_waits_for_a_person(
    town: Town, dsn: str, cluster: Cluster, tmp_path: Path
) -> None:
    """The backup is older than the run, and the sale of that morning is lost with it."""
    bank = PaperBank()
    await verify(town)
    backing_up._dump(dsn, tmp_path / "database.dump")
    beijing(town, MON, 10)
    await sells(town, CNY("168.00"))
    bank.lump(MON, CNY("9000.00"))
    beijing(town, TUE, 8)
    await settle(town, bank)
    bank.pays(TUE, (await of_shop(town))[0])
    async with restored(town, dsn, cluster, tmp_path) as again:
        beijing(again, WED, 9)
        bank.today = WED
        await asks(again, bank)
        with pytest.raises(Refused, match="recovery_unexplained"):
            await releases(again)
        await again.books_balance()


@pytest.mark.parametrize("goes_on", [True, False])
async def test_what_a_rail_paid_and_nobody_remembers_is_written_again_and_not_paid_twice(
    town: Town, dsn: str, cluster: Cluster, tmp_path: Path, goes_on: bool
) -> None:
    """The backup is older than the run over Alipay; the sale that it paid is known."""
    bank, alipay = PaperBank(), PaperTransfers()
    bank.others, bank.usual = (sending(alipay),), "alipay"
    await owed_on_tuesday(town, bank)
    backing_up._dump(dsn, tmp_path / "database.dump")
    await settle(town, bank)
    (paid,) = await of_shop(town)
    async with restored(town, dsn, cluster, tmp_path) as again:
        if goes_on:
            with pytest.raises(recoveries.OnHold):
                await settle(again, bank)
        assert list(alipay.asked) == [paid.reference], "a restored database handed a payout in"
        alipay.away = True
        assert [one for one in await asks(again, bank) if one.endswith("away")]
        alipay.away = False
        beijing(again, WED, 9)
        bank.today = WED
        assert await asks(again, bank) == []
        assert [one.reference for one in await of_shop(again)] == [paid.reference]
        assert await releases(again, "alipay")
        await settle(again, bank)
        (known,) = await of_shop(again)
        assert (known.status, known.amount, known.rail) == ("done", paid.amount, "alipay")
        assert alipay.left == CNY("8832.00") and list(alipay.asked) == [paid.reference]
        await again.books_balance()


async def test_a_payout_that_waited_since_an_earlier_run_and_left_after_the_backup_is_known(
    town: Town, dsn: str, cluster: Cluster, tmp_path: Path
) -> None:
    bank, alipay = PaperBank(), PaperTransfers(left=CNY("1.00"))
    bank.others, bank.usual = (sending(alipay),), "alipay"
    await owed_on_tuesday(town, bank)
    await settle(town, bank)
    beijing(town, WED, 8)
    backing_up._dump(dsn, tmp_path / "database.dump")
    alipay.left = CNY("168.00")
    await settle(town, bank)
    assert [one.status for one in await of_shop(town)] == ["done"]
    async with restored(town, dsn, cluster, tmp_path) as again:
        beijing(again, THU, 9)
        bank.today = THU
        assert await asks(again, bank) == []
        (known,) = await of_shop(again)
        assert (known.status, known.bank_says) == ("asked", "found")
        assert await releases(again, "alipay")
        await settle(again, bank)
        assert [one.status for one in await of_shop(again)] == ["done"]
        assert alipay.left == CNY("0") and len(alipay.asked) == 1
        await again.books_balance()


async def test_on_hold_nothing_is_opened_asked_or_written(
    town: Town, dsn: str, cluster: Cluster, tmp_path: Path
) -> None:
    """The backup is older than the run: the same references with other sums would be the bank's."""
    bank = PaperBank()
    await owed_on_tuesday(town, bank)
    backing_up._dump(dsn, tmp_path / "database.dump")
    await settle(town, bank)
    async with restored(town, dsn, cluster, tmp_path) as again:
        await sells(again, CNY("20.00"))
        for work in (settling.open_run(desk(again, bank), TUE, again.at),
                     settling.advance(desk(again, bank), again.at)):  # fmt: skip
            with pytest.raises(recoveries.OnHold):
                await work
        out = Routing(bank)
        tasks = settling.tasks(out, again.keyring, again.calendar)
        context = Context(again.database, Clock(), again.at, uuid4(), 1)
        await tasks["settling.run"].run(context)
        await tasks["settling.advance"].run(context)
        async with again.database.connection() as conn:
            assert await conn.fetchval("select count(*) from runs") == 0
            assert await conn.fetchval("select count(*) from payouts") == 0
        assert await asks(again, bank) == []
        await again.books_balance()
