"""A sheet becomes goods, a batch at a time, whatever happens in between."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image

from littleshop import audit, db, jobs
from littleshop.catalog import fetching, importing, imports, own_sheet, photos, products, wares
from littleshop.catalog.imports import Import
from littleshop.clock import Clock
from littleshop.errors import Refused
from littleshop.files import Files
from littleshop.knocking import Checked
from littleshop.web.console.figures import as_csv
from tests.cast import CNY, Town
from tests.catalog.foreign_sheets import SHOPIFY


def picture(colour: str) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(kept, "JPEG")
    return kept.getvalue()


class Stall:
    """A shop whose seller brings sheets; the internet is played."""

    def __init__(self, town: Town, home: Path) -> None:
        self.town = town
        self.files = Files.open(home / "files")
        self.asked: list[str] = []
        self.tasks = importing.tasks(self.files, httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if "gone" in request.url.path:
            return httpx.Response(404)
        if "moved" in request.url.path:
            return httpx.Response(302, headers={"location": "file:///etc/passwd"})
        return httpx.Response(200, content=picture("#1a7052" if "1" in request.url.path else "red"))

    async def brings(self, sheet: str, archive: bytes = b"") -> UUID:
        made = Import(
            self.town.shop_id, uuid4(), self.town.person_id or uuid4(), self.town.later(minutes=1),
            "goods.csv", "", bool(archive), "reading", "", {}, None, None,
        )  # fmt: skip
        await self.files.put_staged(made.files[0], io.BytesIO(sheet.encode()))
        if archive:
            await self.files.put_staged(made.files[1], io.BytesIO(archive))
        await self.town.database.transaction(
            lambda conn: importing.hand_in(conn, made, self.town.at)
        )
        await self.works()
        return made.import_id

    async def works(self) -> None:
        clock = Clock(self.town.at - Clock().now())
        await jobs.drain(self.town.database, self.tasks, clock)

    async def says_yes(self, import_id: UUID) -> None:
        await self.town.database.transaction(
            lambda conn: importing.start(conn, self.town.shop_id, import_id, self.town.at)
        )

    async def counts(self, import_id: UUID) -> dict[str, int]:
        async with self.town.database.connection() as conn:
            found = await imports.counts(conn, self.town.shop_id, import_id)
        return {n: v for n in found.__struct_fields__ if (v := getattr(found, n))}

    async def status(self, import_id: UUID) -> str:
        async with self.town.database.connection() as conn:
            return (await imports.get(conn, self.town.shop_id, import_id)).status

    async def shelf(self) -> dict[str, wares.Ware]:
        async with self.town.database.connection() as conn:
            listed = await products.listing(conn, self.town.shop_id, all_states=True, most=1000)
            found = await wares.of(conn, self.town.shop_id, [each.product_id for each in listed])
        return {each.title: each for each in found.values()}

    async def sheet(self) -> str:
        """What goes out."""
        rows: list[list[str]] = [own_sheet.head("en")]
        async with self.town.database.connection() as conn:
            found = await wares.of(
                conn, self.town.shop_id, [each.product_id for each in (await self.shelf()).values()]
            )
            files = await photos.of_products(conn, self.town.shop_id, list(found))
        for each in found.values():
            urls = [f"https://x.test/f/{one}/60.webp" for one in files.get(each.product_id, [])]
            rows += own_sheet.rows(each, urls, "CNY")
        return as_csv(rows).decode()

    async def fine(self) -> None:
        async with self.town.database.connection() as conn:
            assert await audit.prove(conn) == []


@pytest.fixture
def stall(town: Town, home: Path) -> Stall:
    return Stall(town, home)


async def test_a_sheet_is_looked_at_then_written_and_the_second_time_changes_nothing(
    stall: Stall,
) -> None:
    await stall.town.stock("Old cup", CNY("9.00"), 4)
    first = await stall.brings(SHOPIFY)
    assert await stall.counts(first) == {"new": 2, "refused": 1}
    assert list(await stall.shelf()) == ["Old cup"], "looking writes nothing"
    await stall.says_yes(first)
    await stall.says_yes(first)
    await stall.works()
    assert await stall.status(first) == "done"
    shelf = await stall.shelf()
    assert list(shelf) == ["Blue mug", "Plain cup", "Old cup"]
    assert [each.on_hand for each in shelf["Blue mug"].kinds] == [4, 0]
    assert stall.asked == ["https://cdn.test/1.jpg", "https://cdn.test/2.jpg"]
    again = await stall.brings(SHOPIFY)
    assert await stall.counts(again) == {"unchanged": 2, "refused": 1}
    dearer = await stall.brings(SHOPIFY.replace("18.00", "19.00"))
    assert await stall.counts(dearer) == {"changed": 1, "unchanged": 1, "refused": 1}
    whole = await stall.brings(await stall.sheet())
    assert await stall.counts(whole) == {"unchanged": 3}, "what goes out comes back the same"
    await stall.fine()


async def test_an_import_that_is_killed_between_two_batches_goes_on(
    stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    rows = [f"h{at},Thing {at},{at + 1}.00,5,S{at}" for at in range(7)]
    sheet = "\n".join(["handle,title,price,stock,sku", *rows, "h9,Twin,1,1,S3"])
    which = await stall.brings(sheet)
    assert await stall.counts(which) == {"new": 7, "refused": 1}
    await stall.says_yes(which)
    town = stall.town
    async with town.database.connection() as conn:
        made = await imports.get(conn, town.shop_id, which)
        before = await conn.fetchval("select version from shops where shop_id = $1", town.shop_id)

    async def dies(conn: db.Connection) -> None:
        await importing.write_batch(conn, made, town.at)
        raise Refused("killed")

    await town.database.transaction(lambda conn: importing.write_batch(conn, made, town.at))
    with pytest.raises(Refused):
        await town.database.transaction(dies)
    assert (await stall.counts(which))["written"] == 2
    await stall.works()
    assert await stall.counts(which) == {"new": 7, "refused": 1, "written": 7, "done": 7}
    assert sorted(await stall.shelf()) == [f"Thing {at}" for at in range(7)]
    async with town.database.connection() as conn:
        after = await conn.fetchval("select version from shops where shop_id = $1", town.shop_id)
    assert after - before == 4, "the pages move once for a batch"
    await stall.fine()


async def test_what_was_cancelled_stops_and_another_shop_sees_none_of_it(
    stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 1)
    which = await stall.brings("handle,title,price,sku\na,A,1,X\nb,B,1,Y\n")
    await stall.says_yes(which)
    town, database = stall.town, stall.town.database
    async with database.connection() as conn:
        made = await imports.get(conn, town.shop_id, which)
    await database.transaction(lambda conn: importing.write_batch(conn, made, town.at))
    ended: Any = await database.transaction(
        lambda conn: imports.end(conn, town.shop_id, which, "cancelled", town.at)
    )
    await stall.works()
    assert (ended, await stall.status(which), list(await stall.shelf())) == (
        True,
        "cancelled",
        ["A"],
    )
    mine = (await stall.shelf())["A"].product_id
    await town.open_shop("Other", "other", "+8613900001009")
    other = await stall.brings(f"handle,title,price,sku\n{mine},Mine now,5,X\n")
    assert await stall.counts(other) == {"new": 1}
    await stall.says_yes(other)
    await stall.works()
    assert (await stall.shelf())["Mine now"].product_id != mine


async def test_stock_that_orders_hold_and_codes_of_others_are_refused_by_name(
    stall: Stall,
) -> None:
    town = stall.town
    item = await town.stock("Cup", CNY("9.00"), 4)
    await town.place([item], CNY("9.00"))
    cup = (await stall.shelf())["Cup"].product_id
    which = await stall.brings(
        f"handle,title,price,stock,sku\n{cup},Cup,9,0,\n,Pot,5,1,P\n,Pan,5,1,P\n,{'x' * 130},5,1,\n"
    )
    async with town.database.connection() as conn:
        found = await imports.items(conn, town.shop_id, which, "refused")
    assert [(each.line, each.why) for each in found] == [
        (2, "stock_promised"),
        (4, "import_sku_twice"),
        (5, "product_title_length"),
    ]
    await stall.fine()


async def test_pictures_come_from_the_open_internet_or_an_archive_and_nowhere_else(
    stall: Stall,
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("goods/0A1B.tbi", picture("blue"))
        archive.writestr("evil.tbi", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    urls = "https://a.test/gone https://a.test/moved ftp://a.test/x 0a1b.tbi evil.tbi none.jpg"
    sheet = f"handle,title,price,photos\na,A,1,{urls}\n"
    which = await stall.brings(sheet, packed.getvalue())
    await stall.says_yes(which)
    await stall.works()
    async with stall.town.database.connection() as conn:
        [item] = await imports.items(conn, stall.town.shop_id, which, faulty=True)
        hung = await photos.of_product(conn, stall.town.shop_id, item.product_id or uuid4())
    assert len(hung) == 1
    assert [code for _, code in item.photo_faults] == [
        "picture_gone", "picture_address", "picture_address", "photo_svg", "picture_missing",
    ]  # fmt: skip
    async with fetching.Web(Checked(near=False)) as web:
        for inside in ("http://127.0.0.1/x.jpg", "http://[::1]/x", "http://169.254.169.254/x"):
            with pytest.raises(Refused, match="picture_address"):
                await web.get(inside)


async def test_a_broken_archive_is_said_of_each_picture_and_holds_nothing_up(stall: Stall) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", picture("blue"))
    whole = bytearray(packed.getvalue())
    head = 30 + len("a.jpg")
    torn = bytes(whole[:head] + b"\xff" * 40 + whole[head + 40 :])  # what is squeezed is nonsense
    place = whole.index(b"PK\x01\x02")
    whole[place + 6] = 99  # made for a program that nobody has
    for content, why in ((torn, "photo_broken"), (bytes(whole), "picture_missing")):
        sheet = f"handle,title,price,photos\n{why},{why},1,a.jpg\n"
        which = await stall.brings(sheet, content)
        await stall.says_yes(which)
        await stall.works()
        async with stall.town.database.connection() as conn:
            [item] = await imports.items(conn, stall.town.shop_id, which, faulty=True)
            assert (await imports.get(conn, stall.town.shop_id, which)).status == "done"
        assert [code for _, code in item.photo_faults] == [why]


async def test_an_archive_that_cannot_be_read_is_said_before_anything_runs_and_mended_by_a_second(
    stall: Stall,
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.jpg", picture("blue"))
    good, sheet = packed.getvalue(), "handle,title,price,photos\na,A,1,a.jpg\n"

    async def of(import_id: UUID) -> Import:
        async with stall.town.database.connection() as conn:
            return await imports.get(conn, stall.town.shop_id, import_id)

    bad = await stall.brings(sheet, good[:40])  # half of it came
    assert [(await of(bad)).status, (await of(bad)).fault] == ["ready", "pictures_unreadable"]
    lost = await stall.brings(sheet.replace("a,A", "b,B"), good)
    assert (await of(lost)).fault == ""
    await stall.files.remove_staged((await of(lost)).files[1])
    for which in (bad, lost):
        await stall.says_yes(which)
        await stall.works()
        assert [(await of(which)).status, (await of(which)).fault] == [
            "done", "pictures_unreadable",
        ]  # fmt: skip
    again = await stall.brings(sheet, good)
    assert await stall.counts(again) == {"changed": 1}
    await stall.says_yes(again)
    await stall.works()
    assert (await of(again)).fault == "" and await stall.counts(again) == {
        "changed": 1, "written": 1, "done": 1,
    }  # fmt: skip
    await stall.fine()
