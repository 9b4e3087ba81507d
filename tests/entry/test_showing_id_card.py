"""Photos of both sides of the id card: waited for, shown to the institution alone, then gone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest
import pytest_asyncio

from littleshop import db
from littleshop.entry import admitting, showing_id_card
from littleshop.errors import GatewayError
from littleshop.files import Files
from littleshop.pay.gateways import Escrow
from littleshop.pay.gateways.escrow import Admission as Answer
from littleshop.shop import admissions
from littleshop.shop.admissions import Admission
from tests.cast import Town
from tests.entry.id_card import SIDES, shows
from tests.sale.escrow import Holding
from tests.sale.institution import HoldingRail, Institution
from tests.settlement.paper_bank import verify

GATEWAY = "wechat_pay"


@dataclass
class Desk:
    """The town's verified shop and an institution that wants to see its owner's id card."""

    town: Town
    institution: Institution
    folder: Path

    @property
    def files(self) -> Files:
        return Files.open(self.folder)

    @property
    def escrows(self) -> dict[str, Escrow]:
        return {self.institution.name: cast(Escrow, self.institution)}

    async def begins(self, *, again: bool = False) -> None:
        ask = admitting.again if again else admitting.begin
        await self.town.database.transaction(
            partial(ask, shop_id=self.town.shop_id, gateways=[GATEWAY], at=self.town.at)
        )

    async def last(self) -> Admission:
        async with self.town.database.connection() as conn:
            found = await admissions.latest(conn, self.town.shop_id, GATEWAY)
        assert found is not None
        return found

    async def sends(self) -> str:
        """The job, once; how the last admission stands then."""
        town = self.town
        await admitting.send(
            town.database, town.keyring, self.files, self.escrows, town.shop_id,
            (await self.last()).admission_id, town.at,
        )  # fmt: skip
        return (await self.last()).stands

    async def hears(self, answer: Answer) -> str:
        self.institution.standing[(await self.last()).reference] = answer
        return await self.sends()

    async def shows(self, sides: tuple[bytes, bytes] = SIDES) -> None:
        await shows(self.town, self.files, self.escrows, sides=sides)

    async def clears(self, *gateways: str) -> int:
        return await showing_id_card.clear(
            self.town.database, self.files, list(gateways), self.town.at
        )

    def lie(self) -> list[bytes]:
        """What lies on the disk."""
        return [each.read_bytes() for each in self.folder.rglob("*") if each.is_file()]


@pytest_asyncio.fixture
async def desk(town: Town, tmp_path: Path) -> Desk:
    await verify(town)
    made = Desk(town, Institution(wants_id_card=True), tmp_path / "files")
    await made.begins()
    return made


async def test_nobody_is_asked_before_both_photos_are_there(
    desk: Desk, owner: db.Connection
) -> None:
    assert await desk.sends() == "photos"
    assert desk.institution.asked == {}
    await owner.execute("delete from jobs")
    desk.town.later(hours=9)
    await admitting.sweep(desk.town.database, (GATEWAY,), desk.town.at)
    assert await owner.fetchval("select count(*) from jobs") == 0, "there is nothing to ask about"
    await desk.shows()
    assert await owner.fetchval("select count(*) from jobs where name = $1", admitting.SEND) == 1
    assert await desk.sends() == "asked"
    (asked,) = desk.institution.asked.values()
    assert asked.id_card == SIDES


async def test_they_lie_sealed_and_are_gone_once_he_is_admitted(
    desk: Desk, owner: db.Connection
) -> None:
    await desk.shows()
    assert len(desk.lie()) == 2
    assert not any(side in kept for side in SIDES for kept in desk.lie())
    await desk.sends()
    assert await desk.hears(Answer(status="signing", sign_url="https://x.test")) == "signing"
    assert len(desk.lie()) == 2
    assert await desk.hears(Answer(status="admitted", merchant_id="19001")) == "admitted"
    assert desk.lie() == [] and await owner.fetchval("select count(*) from id_photos") == 0


async def test_after_a_no_they_wait_a_week_to_be_asked_with_again(desk: Desk) -> None:
    await desk.shows()
    assert await desk.hears(Answer(status="refused", said="证件不清晰")) == "refused"
    desk.town.later(days=6)
    assert await desk.clears(GATEWAY) == 0
    await desk.begins(again=True)
    assert await desk.sends() == "asked", "they need not be given again"
    assert await desk.hears(Answer(status="refused", said="证件不清晰")) == "refused"
    desk.town.later(days=7, minutes=1)
    assert await desk.clears(GATEWAY) == 1 and desk.lie() == []
    await desk.begins(again=True)
    assert await desk.sends() == "photos"


async def test_other_photos_after_a_no_take_the_place_of_the_first_and_ask_again(
    desk: Desk,
) -> None:
    await desk.shows()
    await desk.hears(Answer(status="refused", said="证件不清晰"))
    desk.town.later(minutes=5)
    sharper = (SIDES[0] + b" sharper", SIDES[1] + b" sharper")
    await desk.shows(sharper)
    assert len(desk.lie()) == 2
    assert await desk.sends() == "asked"
    assert desk.institution.asked[(await desk.last()).reference].id_card == sharper


async def test_a_form_that_is_sent_twice_is_kept_once(desk: Desk, owner: db.Connection) -> None:
    key = uuid4()
    for _ in range(2):
        await shows(desk.town, desk.files, desk.escrows, key=key)
    assert await owner.fetchval("select count(*) from id_photos") == 1 and len(desk.lie()) == 2


async def test_a_kill_between_the_files_and_the_word_leaves_nothing_for_long(
    desk: Desk, owner: db.Connection
) -> None:
    town, key = desk.town, uuid4()
    write = partial(
        showing_id_card.write, town.database, town.keyring, desk.files, town.shop_id, sides=SIDES
    )
    assert await write(key=key, at=town.at) is not None
    assert await desk.sends() == "photos", "what is not whole does not count"
    await shows(town, desk.files, desk.escrows, key=key)  # the browser sends it again
    assert await desk.sends() == "asked"
    town.later(hours=2)
    assert await desk.clears(GATEWAY) == 1
    assert len(desk.lie()) == 2 and await owner.fetchval("select count(*) from id_photos") == 1


async def test_files_that_no_backup_brought_back_are_asked_for_again(
    desk: Desk, owner: db.Connection
) -> None:
    await desk.shows()
    for each in desk.folder.rglob("*"):
        if each.is_file():
            each.unlink()
    assert await desk.sends() == "photos"
    assert await owner.fetchval("select count(*) from id_photos") == 0
    await desk.shows()
    assert await desk.sends() == "asked"


async def test_without_an_institution_that_wants_them_they_go_after_a_week(desk: Desk) -> None:
    await desk.shows()
    assert await desk.clears() == 0
    desk.town.later(days=8)
    assert await desk.clears() == 1 and desk.lie() == []


async def test_a_kill_after_the_call_shows_them_once(desk: Desk) -> None:
    await desk.shows()
    desk.institution.away = 1
    with pytest.raises(GatewayError):
        await desk.sends()
    assert [await desk.sends() for _ in range(2)] == ["asked", "asked"]
    assert sum(what == "admit" for what, _ in desk.institution.calls) == 1


async def test_who_was_admitted_by_his_photos_sells_and_the_books_mirror_it(desk: Desk) -> None:
    await desk.shows()
    await desk.sends()
    await desk.hears(Answer(status="admitted", merchant_id="1900000109"))
    held = Holding(desk.town, desk.institution, HoldingRail(desk.institution, "1900000109"))
    placed = await held.sells("100.00")
    await held.receives(placed)
    await held.is_released(placed)
    await held.mirrors()
