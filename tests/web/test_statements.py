"""The statement a seller takes along: CSV a spreadsheet cannot misread, PDF any viewer shows."""

from __future__ import annotations

import asyncio
import csv
import io

import httpx
import msgspec
import pypdfium2
import pytest
import pytest_asyncio

from littleshop import db, i18n, printing
from tests.web.back_room import BackRoom, shown
from tests.web.client import World


@pytest_asyncio.fixture
async def room(world: World, client: httpx.AsyncClient) -> BackRoom:
    made = BackRoom(world, client)
    await made.open()
    first = await made.sells()
    await made.sells()
    await made.town.ships(first)
    await made.town.receives(first)
    return made


def rows(answer: httpx.Response) -> list[list[str]]:
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_a_month_as_csv_sums_to_its_last_row(room: BackRoom) -> None:
    month = f"{room.world.at:%Y-%m}"
    answer = await room.get(f"/statement?month={month}&as=csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    head, opening, *lines, closing = rows(answer)
    assert (opening[5:9], len(lines)) == (["0.00"] * 4, 3)
    for column in range(5, 9):
        moved = sum(int(line[column].replace(".", "") or 0) for line in lines)
        assert moved == int(closing[column].replace(".", "") or 0)
    assert closing[5:7] == ["168.00", "168.00"]
    assert len({len(row) for row in (head, opening, *lines, closing)}) == 1


async def test_nothing_in_it_is_a_formula(room: BackRoom, owner: db.Connection) -> None:
    await owner.execute("update journals set reference = '=1+1' where kind = 'received'")
    cells = [cell for row in rows(await room.get("/statement?from=2026-01-01&to=2026-12-31"))
             for cell in row]  # fmt: skip
    assert "'=1+1" in cells
    numbers = [cell for cell in cells if cell[:1] in "-+=@" and cell]
    assert numbers
    assert all(cell.lstrip("-").replace(".", "").isdigit() for cell in numbers)


async def test_the_pdf_says_the_same_in_real_chinese(room: BackRoom) -> None:
    room.client.cookies.set("lang", "zh-CN")
    answer = await room.get("/statement?from=2026-01-01&to=2026-12-31&as=pdf&lang=zh-CN")
    assert answer.headers["content-type"] == "application/pdf"
    page = pypdfium2.PdfDocument(answer.content)[0]
    text = page.get_textpage().get_text_bounded()
    assert "对账单" in text and "订单收货" in text and "168.00" in text
    ink = bytes(page.render(scale=1, grayscale=True).buffer)
    assert len(set(ink)) > 20 and ink.count(255) < len(ink)


async def test_a_span_that_is_none_comes_back_with_a_sentence(room: BackRoom) -> None:
    for asked in ("from=2026-12-31&to=2026-01-01", "month=2026-13", "month=9999-12", ""):
        answer = await room.client.get(f"{room.root}/statement?{asked}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{room.root}/money")


async def test_days_before_the_shop_and_days_to_come_have_no_statement(room: BackRoom) -> None:
    spans = ("from=9999-12-25&to=9999-12-31", "from=0001-01-01&to=0001-02-01", "month=9000-01")
    for asked in spans:
        for kind in ("pdf", "csv"):
            answer = await room.client.get(f"{room.root}/statement?{asked}&as={kind}")
            assert (answer.status_code, answer.headers["location"]) == (303, f"{room.root}/money")
    await room.town.books_balance()


async def test_a_packer_does_not_take_it_along(room: BackRoom, owner: db.Connection) -> None:
    await owner.execute("update staff set role = 'packer'")
    answer = await room.client.get(f"{room.root}/statement?month=2026-11")
    assert answer.status_code == 404
    room.client.cookies.clear()
    answer = await room.client.get(f"{room.root}/statement?month=2026-11")
    assert answer.status_code == 303 and "sign-in" in answer.headers["location"]


async def test_a_shop_has_one_pdf_made_at_a_time_and_csv_does_not_wait(
    room: BackRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is told to come again; when the first is there, the next one is made."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    pdf = printing.pdf

    async def slowly(sheet: printing.Sheet) -> bytes:
        begun.set()
        await go_on.wait()
        return await pdf(sheet)

    monkeypatch.setattr(printing, "pdf", slowly)
    path = f"{room.root}/statement?month={room.world.at:%Y-%m}"
    first = asyncio.create_task(room.client.get(f"{path}&as=pdf"))
    await begun.wait()
    second = await room.client.get(f"{path}&as=pdf")
    assert (second.status_code, second.headers["retry-after"]) == (429, "10")
    assert i18n.t("en", "statement.in_press") in second.text
    assert (await room.client.get(f"{path}&as=csv")).status_code == 200
    go_on.set()
    assert (await first).content.startswith(b"%PDF-")
    assert (await room.client.get(f"{path}&as=pdf")).status_code == 200


async def test_where_an_institution_holds_the_money_the_statement_and_the_news_say_so(
    room: BackRoom,
) -> None:
    house = room.world.house
    house.settings = msgspec.structs.replace(house.settings, escrow="psp_escrow")
    for locale in i18n.LOCALES:
        head, *_ = rows(await room.get(f"/statement?month={room.world.at:%Y-%m}&lang={locale}"))
        assert head[5] == i18n.t(locale, "statement.column.held.institution")
        said = i18n.t(locale, "console.happened.paid.institution", number="").split("</b>")[1]
        assert said in shown(await room.get(f"?lang={locale}"))
