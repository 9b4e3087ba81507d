"""What a re-seller says of a thing: her own name and text, and one margin for all its kinds."""

from __future__ import annotations

import re

from littleshop.sale import carrying, placing
from tests.web.client import hidden
from tests.web.market import Market, reference_of
from tests.web.test_reselling import HERS, Counter, counter, offers

OWN = {"title": "晓晓家的盖碗", "description": "每天都用的一只。"}


async def says(hers: Counter, **told: str) -> int:
    here = f"/console/{hers.shop_id}/goods/{hers.product}/resold"
    answer = await hers.her.post(here, data={"price-0": "150", "then": "save"} | told)
    await hers.market.world.work()
    return answer.status_code


async def renamed(market: Market, title: str) -> None:
    """Its supplier calls it otherwise."""
    here = f"/console/{market.shop_id}/goods/{market.product}"
    page = await market.seller.get(here)
    told = {"title": title, "description": "小窑口。", "price": "168", "stock": "", "then": "save"}
    told["stock"] = told["seen"] = hidden(page, "seen")
    assert (await market.seller.post(here, data=told)).status_code == 303
    await carrying.sweep(market.world.house.database, market.world.clock.now())


async def test_her_own_words_stand_wherever_her_buyer_reads_and_his_where_it_is_packed(
    market: Market,
) -> None:
    hers = await counter(market)
    assert await says(hers, **OWN) == 303
    page = await market.buyer.get(f"{HERS}/p/{hers.product}")
    assert "每天都用的一只。" in page.text and "青灰釉盖碗" not in page.text
    assert 'og:title" content="晓晓家的盖碗' in page.text
    for card in (HERS, f"{HERS}/search?q=晓晓家"):
        assert "晓晓家的盖碗" in (await market.buyer.get(card)).text
    await hers.basket(hers.product)
    assert "晓晓家的盖碗" in (await market.buyer.get(f"{HERS}/basket")).text
    form = await hers.form()
    drawn = await hers.place(form | {"then": "quote"})
    assert "青灰釉盖碗" not in drawn.text
    placed = await hers.place(form)
    await market.notify(reference_of(placed), total_amount="150.00")
    await market.world.work()
    (order_id,) = (await hers.rows("select order_id from orders"))[0]
    token = placing.link(market.world.house.keyring, market.shop_id, order_id)  # type: ignore[arg-type]
    order = await market.buyer.get(f"/o/{token}")
    assert "晓晓家的盖碗" in order.text and "青灰釉盖碗" not in order.text
    packs = await market.seller.get(f"/console/{market.shop_id}/orders/1001")
    assert "青灰釉盖碗" in packs.text and "买家看到的是「晓晓家的盖碗」" in packs.text
    await market.books_balance()


async def test_where_she_says_nothing_his_words_stand_also_when_he_changes_them(
    market: Market,
) -> None:
    hers = await counter(market)
    page = f"{HERS}/p/{hers.product}"
    await renamed(market, "青灰盖碗二号")
    assert "青灰盖碗二号" in (await market.buyer.get(page)).text
    found = await market.buyer.get(f"{HERS}/search?q=二号")
    assert "青灰盖碗二号" in found.text
    assert await says(hers, title=OWN["title"], description="") == 303
    await renamed(market, "青灰盖碗三号")
    mixed = (await market.buyer.get(page)).text
    assert "晓晓家的盖碗" in mixed and "小窑口。" in mixed and "三号" not in mixed
    assert await says(hers, title=" ", description="") == 303
    assert "青灰盖碗三号" in (await market.buyer.get(page)).text


async def test_words_too_long_are_refused_at_their_field_and_nothing_changes(
    market: Market,
) -> None:
    hers = await counter(market)
    before = await hers.rows("select price_minor, title from variants natural join products")
    assert await says(hers, title="长" * 121, **{"price-0": "155"}) == 422
    assert await says(hers, description="长" * 10_001, **{"price-0": "155"}) == 422
    now = await hers.rows("select price_minor, title from variants natural join products")
    assert sorted(now) == sorted(before)


async def test_what_is_taken_off_the_shelf_stays_off_whatever_she_calls_it(market: Market) -> None:
    """An operator's word holds for her words as for anybody's."""
    hers = await counter(market)
    async with market.world.house.database.connection() as conn:
        await conn.execute("update products set status = 'hidden' where shop_id = $1", hers.shop_id)
    assert await says(hers, **OWN) == 303
    assert (await market.buyer.get(f"{HERS}/p/{hers.product}")).status_code in (404, 410)


THREE = {
    "title": "茶罐", "price": "100", "stock": "9", "axis-0-name": "釉色",
    "axis-0-values": "青灰，月白，天目", "then": "variants",
}  # fmt: skip


async def jars(market: Market) -> str:
    """A thing of three kinds: 90, 100 and 200."""
    product = await market.world.add_product(market.seller, market.shop_id, "茶罐", price="100")
    here = f"/console/{market.shop_id}/goods/{product}"
    page = await market.seller.post(here, data=THREE)
    told = THREE | {"then": "save"}
    for at, (price, stock) in enumerate((("90", "9"), ("100", "2"), ("200", "0"))):
        name = f"variant-{at}"
        told |= {f"{name}-key": hidden(page, f"{name}-key"), f"{name}-seen": ""}
        told |= {f"{name}-price": price, f"{name}-stock": stock}
    assert (await market.seller.post(here, data=told)).status_code == 303, page.text
    return product


async def test_one_margin_prices_all_kinds_and_a_kind_may_have_its_own(market: Market) -> None:
    """He leaves 30 % of his price, the third kind to nobody; she puts 50 % on top."""
    hers = await counter(market)
    jar = await jars(market)
    its = f"/console/{market.shop_id}/goods/{jar}/resale"
    form = await market.seller.get(its)
    assert 'name="more"' in form.text and form.text.count("<details") >= 3
    ticks = {"kinds": "yes", "kind-0": "yes", "kind-1": "yes", "supply-1": "80"}
    told = {"more": "30", "by": "percent", "open_to": "all", "then": "offer"} | ticks
    assert (await market.seller.post(its, data=told)).status_code == 303
    supply = "select supply_minor from resale_prices where product_id::text = '%s' order by 1"
    assert await hers.rows(supply % jar) == [(6300,), (8000,)]

    take = f"/console/{hers.shop_id}/resell/{market.shop_id}/{jar}"
    page = await hers.her.get(take)
    assert "货足" in page.text and "还剩 2 件" in page.text and 'name="price-2"' not in page.text
    # the second costs 80 and is 100 in his own shop
    assert re.search(r'name="more"[^>]* value="25"', page.text)
    wrong = await hers.her.post(take, data={"more": "多", "by": "percent"})
    assert wrong.status_code == 422 and "填百分数" in wrong.text
    nothing = await hers.her.post(take, data={})
    assert nothing.status_code == 422
    put = await hers.her.post(take, data={"more": "50", "by": "percent", "price-1": "111"})
    assert put.status_code == 303
    prices = (
        "select price_minor from variants natural join resold_variants order by price_minor desc"
    )
    assert (await hers.rows(prices))[1:] == [(11100,), (9450,)]

    here = put.headers["location"].split("?")[0]
    kept = {"price-0": "94.50", "price-1": "120", "then": "save"}
    both = await hers.her.post(here, data=kept | {"more": "20", "by": "sum"})
    assert both.status_code == 303  # the one she did not touch follows
    assert (await hers.rows(prices))[1:] == [(12000,), (8300,)]


async def test_below_supply_says_the_loss_and_never_a_gain_of_nothing(market: Market) -> None:
    hers = await counter(market)
    await offers(market, **{"supply-0": "155"})
    await market.world.work()
    here = f"/console/{hers.shop_id}/goods/{hers.product}/resold"
    page = await hers.her.get(here)
    assert "供货价高过了你的售价" in page.text and "每卖一件亏 ¥5.00" in page.text
    assert "你赚 ¥0.00" not in page.text
    low = await hers.her.post(here, data={"price-0": "99", "then": "save"})
    assert low.status_code == 422 and "你赚" not in low.text
