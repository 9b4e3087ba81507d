"""Postage by region, from the seller's settings to what a buyer pays."""

from __future__ import annotations

import re
from typing import Any

import httpx

from littleshop.i18n import t
from littleshop.shop import shops
from tests.web.back_room import BackRoom
from tests.web.client import World, hidden
from tests.web.market import WANTING, Market, reference_of
from tests.web.test_invitations import guest, pays, seals, takes

SICHUAN = {"province": "四川省", "city": "成都市", "district": "武侯区"}
XINJIANG = {"province": "新疆维吾尔自治区", "city": "乌鲁木齐市", "district": "天山区"}
TAIWAN = {"province": "台湾省", "city": "台北市", "district": ""}
LOCALE = "zh-CN"
CHECKOUT = "/@xiaoman/checkout"


async def settles(market: Market, **typed: str) -> httpx.Response:
    """The seller saves what sending costs."""
    here = f"/console/{market.shop_id}/settings/shipping"
    return await market.seller.post(here, data={"fee": "8", **typed})


async def reckons(market: Market, form: dict[str, str], **where: str) -> httpx.Response:
    """The buyer chooses where it goes; the page's sums anew."""
    asked = form | where | {"then": "quote"}
    return await market.buyer.post(CHECKOUT, data=asked, headers={"hx-request": "true"})


async def test_postage_by_region_from_the_sellers_preset_to_what_is_paid(market: Market) -> None:
    made = await settles(market, mode="regions", rule="near_free", free_over="400")
    rate = made.headers["location"]
    assert re.search(r"/settings/shipping/rates/[0-9a-f-]{36}", rate), made.text
    page = await market.seller.get(rate)
    assert "江浙沪包邮" in page.text and "新疆" in page.text

    shown = await market.buyer.get(f"/@xiaoman/p/{market.product}")
    assert t(LOCALE, "storefront.postage_somewhere_free") in shown.text
    assert t(LOCALE, "postage.never") in shown.text

    await market.to_checkout()
    page = await market.buyer.get(CHECKOUT)
    assert t(LOCALE, "checkout.depends") in page.text and hidden(page, "total") == "16800"
    form = await market.form()
    for where, total in ((SICHUAN, "17600"), (XINJIANG, "18600")):
        sums = await reckons(market, form, **where)
        assert sums.status_code == 200 and hidden(sums, "total") == total
        assert t(LOCALE, "checkout.depends") not in sums.text
    sums = await reckons(market, form, **TAIWAN)
    assert t(LOCALE, "errors.not_delivered", title="青灰釉盖碗") in sums.text

    refused = await market.place(form | TAIWAN)  # without a script nobody said it before
    assert refused.status_code == 409 and 'id="province-problem"' in refused.text
    refused = await market.place(form | XINJIANG)
    assert refused.status_code == 409 and "¥186.00" in refused.text
    assert await market.orders() == 0
    paid = await market.place(form | XINJIANG | {"total": hidden(refused, "total")})
    assert paid.status_code == 303, paid.text
    await market.notify(reference_of(paid), total_amount="186.00")
    await market.world.work()
    assert await market.statuses() == ["to_ship"]
    await market.books_balance()


async def test_a_template_is_typed_row_by_row_and_a_thing_chooses_it(market: Market) -> None:
    fresh = await market.seller.get(f"/console/{market.shop_id}/settings/shipping/rates/new")
    here = re.search(r'action="([^"]*/rates/[0-9a-f-]{36})"', fresh.text)
    assert here is not None
    typed: dict[str, Any] = {
        "name": "怕碎的", "measure": "weight", "rows": "1", "rule-0-first_units": "1",
        "rule-0-first": "10", "rule-0-more_units": "0.5", "rule-0-more": "3", "then": "add",
    }  # fmt: skip
    more = await market.seller.post(here[1], data=typed)
    assert more.text.count('name="rule-1-first"') == 1
    rows = typed | {
        "rows": "2", "rule-1-first_units": "1", "rule-1-first": "10", "rule-1-more_units": "0.5",
        "rule-1-more": "3", "then": "save", "rule-0-never": "yes",
    }  # fmt: skip
    unsaid = await market.seller.post(here[1], data=rows)
    assert unsaid.status_code == 422 and t(LOCALE, "errors.rate_regions") in unsaid.text
    saved = await market.seller.post(here[1], data=rows | {"rule-0-regions": ["54", "65"]})
    assert saved.status_code == 303, saved.text
    rate_id = here[1].rpartition("/")[2]
    thing = f"/console/{market.shop_id}/goods/{market.product}"
    page = await market.seller.get(thing)
    chosen = {"title": "青灰釉盖碗", "price": "168", "stock": "10", "seen": "10", "rate": rate_id,
              "weight_seen": hidden(page, "weight_seen"), "no_return": ""}  # fmt: skip
    wrong = await market.seller.post(thing, data=chosen | {"weight": "viel"})
    assert wrong.status_code == 422 and t(LOCALE, "errors.weight_number") in wrong.text
    assert (await market.seller.post(thing, data=chosen | {"weight": "1.2"})).status_code == 303

    await market.to_checkout(pieces=2)
    form = await market.form()
    assert hidden(await reckons(market, form, **SICHUAN), "total") == "35500"  # 2.4 kg: 10 + 9
    listed = await market.seller.get(f"/console/{market.shop_id}/settings/shipping")
    assert "怕碎的" in listed.text and t(LOCALE, "rates.products", count=1) in listed.text
    gone = await market.seller.post(f"{here[1]}/removal")
    assert gone.status_code == 303
    assert hidden(await reckons(market, form, **SICHUAN), "total") == "33600"


async def test_a_gift_goes_wherever_the_shop_sends_at_the_usual_postage(market: Market) -> None:
    await settles(market, mode="regions", rule="remote_never")
    await market.to_checkout()
    form = await market.form()
    page = await market.buyer.post(CHECKOUT, data=form | {"then": "gift"})
    assert hidden(page, "total") == "17600"
    async with market.world.house.database.connection() as conn:
        shop = await shops.get(conn, market.shop_id)
    assert (shop.shipping_flat_minor, shop.rate_id is not None) == (800, True)
    await settles(market, mode="flat", fee="5")
    back = await reckons(market, form, **SICHUAN)
    assert hidden(back, "total") == "17300"
    assert WANTING["province"] != SICHUAN["province"]


async def test_a_letter_may_leave_its_postage_to_the_province(
    world: World, client: httpx.AsyncClient
) -> None:
    room = BackRoom(world, client)
    await room.open()
    item = await room.town.stock(pieces=5)
    name = str(item.variant_id)
    saved = await room.post("/settings/shipping", mode="regions", rule="remote_dearer", fee="8")
    assert saved.status_code == 303
    page = await room.get("/collect/new?kind=goods")
    assert t("en", "collect.shipping_by_region") in page.text
    here, link = await seals(room, shipping="", **{f"q-{name}": "1", f"p-{name}": "150"})
    assert t("en", "checkout.by_region") in (await room.get(here)).text
    person = guest(room)
    assert t("en", "checkout.total_from") in (await person.get(link)).text
    far = await takes(person, link, **XINJIANG)
    assert far.status_code == 409 and hidden(far, "total") == "16800"  # said before it is placed
    never = await takes(person, link, **TAIWAN)
    assert never.status_code == 409 and 'id="province-problem"' in never.text
    form = {each: hidden(far, each) for each in ("key", "total")}
    sent = await takes(person, link, **XINJIANG, **form)
    assert sent.status_code == 303, sent.text
    await pays(room)
    await room.town.books_balance()
