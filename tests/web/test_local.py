"""A seller who brings things himself: from his settings to the code at the door."""

from __future__ import annotations

import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleshop.catalog import local_deliveries
from littleshop.catalog.local_deliveries import Band, Local
from littleshop.errors import Refused
from littleshop.i18n import t
from littleshop.pricing import bringing
from tests.cast import CNY
from tests.web.client import hidden
from tests.web.market import WANTING, Market, reference_of

LOCALE = "zh-CN"
CHECKOUT = "/@xiaoman/checkout"
HOME = (30_274_150, 120_155_150)  # 杭州, 武林广场
NEAR, FAR = "30.28000,120.16000", "30.40000,120.30000"


def test_the_distance_is_the_one_of_the_map() -> None:
    beijing, shanghai = (39_904_200, 116_407_400), (31_230_400, 121_473_700)
    assert bringing.meters(*beijing, *shanghai) == pytest.approx(1_067_000, rel=0.002)
    assert bringing.meters(*HOME, *HOME) == 0


@pytest.mark.parametrize(("text", "found"), [
    ("30.27415, 120.15515", (30_274_150, 120_155_150)),
    ("120.15515，30.27415", (30_274_150, 120_155_150)),
    ("https://uri.amap.com/marker?position=120.15515,30.27415", (30_274_150, 120_155_150)),
    ("https://maps.google.com/?q=30.27415%2C120.15515", (30_274_150, 120_155_150)),
    ("武林广场", None), ("999.12,999.12", None),
])  # fmt: skip
def test_a_place_is_read_from_what_people_paste(text: str, found: tuple[int, int] | None) -> None:
    assert local_deliveries.point(text) == found


@given(
    st.lists(st.tuples(st.integers(1, 9000), st.integers(0, 3000)), min_size=1, max_size=5,
             unique_by=lambda band: band[0]),
    st.integers(-200_000, 200_000), st.integers(-200_000, 200_000), st.integers(0, 5000),
)  # fmt: skip
def test_the_nearest_band_that_reaches_is_paid_and_never_less_than_nothing(
    bands: list[tuple[int, int]], north: int, east: int, least: int
) -> None:
    made = local_deliveries.check(Local(*HOME, least, tuple(Band(m, fee) for m, fee in bands)))
    row = {"lat_e6": HOME[0], "lon_e6": HOME[1], "least_minor": least, "bands": made.bands}
    spot = f"{(HOME[0] + north) / 1e6:.6f},{(HOME[1] + east) / 1e6:.6f}"
    far = bringing.meters(*HOME, HOME[0] + north, HOME[1] + east)
    try:
        fee = bringing.of(row, spot, CNY("30.00")).minor
    except Refused as no:
        assert no.code == ("local_far" if far > max(m for m, _ in bands) else "local_least")
        return
    assert fee == min((m, fee) for m, fee in bands if m >= far)[1] >= 0
    assert bringing.of(row, "", CNY("30.00")).minor <= fee


async def settles(market: Market, **typed: str) -> httpx.Response:
    bands = {"band-0-km": "3", "band-0-fee": "5", "band-0-places": "翡翠城，学府苑",
             "band-1-km": "8", "band-1-fee": "12"}  # fmt: skip
    sent = {"point": "30.27415, 120.15515", "least": "100", "then": "save"} | bands | typed
    here = f"/console/{market.shop_id}/settings/local"
    return await market.seller.post(here, data=sent)


async def test_the_fee_is_by_distance_and_the_code_at_the_door_is_the_receipt(
    market: Market,
) -> None:
    off = (await market.seller.get(f"/console/{market.shop_id}/settings/local")).text
    assert set(re.findall(r'name="band-\d-(?:km|fee)"[^>]* value="([^"]*)"', off)) == {""}
    wrong = await settles(market, point="武林广场")
    assert wrong.status_code == 422 and t(LOCALE, "errors.local_point") in wrong.text
    saved = await settles(market)
    assert (
        t(LOCALE, "local.settings_on", km="8", fee="¥5.00")
        in (await market.seller.get(saved.headers["location"])).text
    )
    assert "学府苑" in (await market.seller.get(f"/console/{market.shop_id}/settings/local")).text
    await market.to_checkout()
    page = await market.buyer.get(CHECKOUT)
    assert "翡翠城" in page.text and 'value="local"' in page.text
    form = await market.form() | {"delivery": "local"}
    quoted = await market.buyer.post(
        CHECKOUT, data=form | {"then": "quote", "spot": NEAR}, headers={"hx-request": "true"}
    )
    assert hidden(quoted, "total") == "17300"
    nowhere = await market.place(form)
    assert nowhere.status_code == 409 and t(LOCALE, "errors.local_where") in nowhere.text
    far = await market.place(form | {"spot": FAR})
    assert far.status_code == 409 and t(LOCALE, "errors.local_far", most="8") in far.text
    seen = await market.place(form | {"place": "学府苑"})
    assert seen.status_code == 409 and "¥173.00" in seen.text  # said before it is placed
    sent = await market.place(form | {"place": "学府苑", "total": hidden(seen, "total")})
    assert sent.status_code == 303, sent.text
    await market.notify(reference_of(sent), total_amount="173.00")
    await market.world.work()
    assert await market.statuses() == ["to_ship"]
    await goes_out(market, sent)
    await market.books_balance()


async def goes_out(market: Market, sent: httpx.Response) -> None:
    """The seller sets out, and reads the code at the door."""
    async with market.world.house.database.connection() as conn:
        number = await conn.fetchval("select number from orders")
    desk = f"/console/{market.shop_id}/orders/{number}"
    shown = await market.seller.get(desk)
    assert WANTING["street"] in shown.text and t(LOCALE, "console.order.out") in shown.text
    assert (await market.seller.post(f"{desk}/out")).status_code == 303
    assert await market.statuses() == ["shipped"]
    order = re.search(r"/o/[^/?%&]+", httpx.URL(sent.headers["location"]).params["return_url"])
    assert order is not None
    assert (
        t(LOCALE, "local.head.shipped", seller="小满茶器")
        in (await market.buyer.get(order[0])).text
    )
    code = re.search(r'class="t26 num b">([\d\s]+)<', (await pickup(market, order[0])).text)
    assert code is not None
    wrong = await market.seller.post(f"{desk}/pick-up", data={"code": "000000"})
    assert wrong.status_code == 422 and await market.statuses() == ["shipped"]
    right = "".join(code[1].split())
    done = await market.seller.post(f"{desk}/pick-up", data={"code": right})
    assert done.status_code == 303 and await market.statuses() == ["received"]


async def pickup(market: Market, order: str) -> httpx.Response:
    return await market.buyer.get(f"{order}/pickup")


async def test_under_the_least_sum_or_switched_off_it_is_refused_with_words(market: Market) -> None:
    await settles(market, least="200")
    await market.to_checkout()
    form = await market.form() | {"delivery": "local", "spot": NEAR}
    little = await market.place(form)
    assert little.status_code == 409
    assert t(LOCALE, "errors.local_least", least="¥200.00") in little.text
    await settles(market, then="off")
    gone = await market.place(form)
    assert gone.status_code == 409 and await market.orders() == 0
