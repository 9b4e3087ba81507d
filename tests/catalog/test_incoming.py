"""Sheets of goods as people really have them: every coding, every half row, three formats."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from littleshop import sheets
from littleshop.catalog import exceptions, importing, incoming, judging, own_sheet, wares
from littleshop.catalog.drafts import Option
from littleshop.catalog.incoming import Thing, Wrong
from littleshop.catalog.wares import Ware, WareVariant
from littleshop.errors import Refused
from littleshop.web.console.figures import as_csv
from tests.catalog.foreign_sheets import SHOPIFY, TAOBAO

CUP = "handle,title,sku,price,stock\ncup,茶杯,C-1,18.00,3\n"


def read(path: Path, content: bytes | str) -> list[Thing | Wrong]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    opened = incoming.open_rows(sheets.rows(path), importing.FORMATS, "CNY")
    return list(opened.things)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "goods.csv"


def thing(found: list[Thing | Wrong], at: int = 0) -> Thing:
    told = found[at]
    assert isinstance(told, Thing), told
    return told


def wrong(found: list[Thing | Wrong], at: int = 0) -> tuple[int, str, str]:
    told = found[at]
    assert isinstance(told, Wrong), told
    return told.line, told.handle, told.code


@pytest.mark.parametrize(
    "content",
    [
        CUP.encode(),
        CUP.encode("utf-8-sig"),
        CUP.replace("\n", "\r\n").encode("gb18030"),
        CUP.replace(",", "\t").encode("utf-16"),
        CUP.replace(",", ";").encode("utf-16-be").join([b"\xfe\xff", b""]),
        CUP.encode("utf-16-le"),
        ("\n\n" + CUP.replace("handle", "商品标识").replace("price", " 价格 * ")).encode("gbk"),
    ],
)
def test_a_sheet_is_read_in_whatever_coding_it_came(file: Path, content: bytes) -> None:
    cup = thing(read(file, content))
    assert (cup.handle, cup.title, cup.pieces[0].price_minor) == ("cup", "茶杯", 1800)
    assert (cup.pieces[0].stock, cup.pieces[0].sku, cup.description) == (3, "C-1", None)


@pytest.mark.parametrize(
    "content, code",
    [
        (b"", "sheet_empty"),
        (b"\xef\xbb\xbf\r\n", "sheet_empty"),
        (b"handle,title,price\n", ""),
        (b"PK\x03\x04 a workbook", "sheet_is_workbook"),
        (b"number,phone\n1,2\n", "import_columns"),
        (b"what it is,price,stock\ncup,18,3\n", "import_no_title"),
        (b"title,stock,tint\ncup,3,blue\n", "import_no_price"),
        (b"\xff\xfe\x00\xd8" + b"\x00\xd8" * 40, "sheet_unreadable"),
        (CUP.encode() + b'pot,"' + b"x" * 2_100_000, "sheet_quote_open"),
    ],
)
def test_what_is_no_sheet_of_goods_is_refused_whole(file: Path, content: bytes, code: str) -> None:
    said = ""
    try:
        assert read(file, content) == []
    except Refused as refused:
        said = refused.code
    assert said == code


@pytest.mark.parametrize(
    "head", ["商品,价格,库存", "商品名称,售价,数量", "Name,Unit price,Qty", "品名,单价,件数"]
)
def test_the_usual_names_of_columns_are_understood(file: Path, head: str) -> None:
    cup = thing(read(file, f"{head}\n茶杯,18,3\n"))
    assert (cup.title, cup.pieces[0].price_minor, cup.pieces[0].stock) == ("茶杯", 1800, 3)


def test_a_columns_own_name_goes_before_what_else_it_may_be_called(file: Path) -> None:
    assert thing(read(file, "商品,标题,单价,价格\nC-1,茶杯,9,18\n")).title == "茶杯"


def test_columns_that_nobody_knows_are_named(file: Path) -> None:
    with pytest.raises(Refused) as no:
        read(file, "what it is,price,stock\ncup,18,3\n")
    assert no.value.details == {"columns": "what it is"}


def test_a_row_that_cannot_be_read_spoils_its_thing_and_no_other(file: Path) -> None:
    found = read(
        file,
        "handle,title,barcode,price,stock\n"
        "a,A,690123456789,18,1\n"
        "b,B,6.90E+12,18,1\n"
        "c,C,,eighteen,1\n"
        "d,D,,18\n"
        "e,E,,18,1,2\n"
        "f,F,,18,1,,\n"
        "a,A again,,18,1\n"
        "g,G,,-1,1\n"
        "h,H,,18,2.5\n"
        "i,I,6901234567890120000,18,1\n"
        'j,"J and the ro',
    )
    assert [each.handle for each in found if isinstance(each, Thing)] == ["a", "f"]
    assert [wrong([each]) for each in found if isinstance(each, Wrong)] == [
        (3, "b", "import_digits_lost"),
        (4, "c", "price_number"),
        (5, "d", "import_row_cells"),
        (6, "e", "import_row_cells"),
        (8, "a", "import_handle_again"),
        (9, "g", "price_too_small"),
        (10, "h", "stock_number"),
        (11, "i", "import_digits_lost"),
        (12, "j", "import_row_half"),
    ]


def test_a_sheet_of_shopify_has_kinds_pictures_and_plain_words(file: Path) -> None:
    found = read(file, SHOPIFY)
    mug = thing(found)
    assert (mug.handle, mug.title, mug.status) == ("blue-mug", "Blue mug", "on_sale")
    assert mug.description == "Thrown by hand.\n\n• One & only\n• Dishwasher safe"
    assert [each.name for each in mug.options] == ["Size", "Glaze", "Lid"]
    assert [each.choice for each in mug.pieces] == [("S", "Blue", "No"), ("L", "Blue", "Yes")]
    assert [(each.price_minor, each.compare_at_minor) for each in mug.pieces] == [
        (1800, 2000),
        (2200, 0),
    ]
    assert (mug.pieces[0].barcode, mug.pieces[0].cost_minor, mug.pieces[0].grams) == (
        "0690123456789",
        900,
        350,
    )
    assert mug.photos == ("https://cdn.test/1.jpg", "https://cdn.test/2.jpg")
    assert (mug.tags, mug.category) == (("mugs", "blue"), "Cups")
    plain = thing(found, 1)
    assert (plain.options, plain.pieces[0].choice, plain.status) == ((), (), "draft")
    assert wrong(found, 2) == (6, "no-price", "price_empty")


def test_a_sheet_of_a_taobao_assistant_has_kinds_and_pictures(file: Path) -> None:
    found = read(file, TAOBAO.encode("utf-16"))
    shirt = thing(found)
    assert (shirt.line, shirt.handle, shirt.title) == (4, "520123456789", "棉麻衬衫")
    assert [(each.name, each.values) for each in shirt.options] == [
        ("颜色", ("月白", "黑色")),
        ("尺码", ("M", "L")),
    ]
    assert [(each.choice, each.price_minor, each.stock, each.sku) for each in shirt.pieces] == [
        (("月白", "M"), 9800, 5, "SH-WM"),
        (("月白", "L"), 9800, 0, "SH-WL"),
        (("黑色", "M"), 10800, 7, ""),
    ]
    assert shirt.photos == ("0a1b2c.tbi", "https://img.alicdn.test/i2/two.jpg")
    assert shirt.description == "好穿\n\n洗过不缩"
    plain = thing(found, 1)
    assert (plain.handle, plain.pieces[0].sku, plain.status) == ("CODE-2", "CODE-2", "hidden")
    assert plain.pieces[0].grams == 250


@pytest.mark.parametrize("before", ["", " ", "\u3000", "\u200b", "\ufeff", "\u200b" * 99])
@pytest.mark.parametrize("sign", ["=", "＝", "＋", "-", "＠"])
def test_no_spreadsheet_calculates_what_somebody_is_called(before: str, sign: str) -> None:
    """Also where a program drops what is not seen, or takes a wide letter for a narrow one."""
    assert sheets.harmless(f"{before}{sign}1+1") == f"'{before}{sign}1+1"
    assert sheets.harmless(f"{before}小满{sign}1") == f"{before}小满{sign}1"


def test_what_goes_out_comes_back_the_same(file: Path) -> None:
    glaze = Option("釉色", ("青灰", "月白"), {"青灰": "#889988"})
    nasty = Ware(
        UUID(int=7),
        "=cmd|'/c calc'!A1",
        (
            WareVariant(("青灰", "大"), 16800, 3, 20000, 9000, "007", "6901234567892", 350),
            WareVariant(("月白", "大"), 16801, 0, 0, None, "'quoted", "", 0),
        ),
        description='-one\n\n"two", three;\tfour\n+５',
        options=(glaze, Option("大小", ("大",))),
        category="@tea",
        status="draft",
        no_return=exceptions.KINDS[0],
        tags=("新", "tea cup"),
    )
    nasty = wares.check(nasty)
    photos = ["https://x.test/f/" + "a" * 32 + "/1080.webp"]
    rows = [own_sheet.head("zh-CN"), *own_sheet.rows(nasty, photos, "CNY")]
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(("=", "+", "-", "@")), cell
    back = thing(read(file, as_csv(rows)))
    assert back.photos == tuple(photos)
    again = wares.check(judging.merged(back, None, nasty.product_id))
    assert again.same(nasty)
