"""Pages of a shop that no payment company has admitted yet: buyers', the seller's, the desk's."""

from __future__ import annotations

import re
from functools import partial

import msgspec
import pytest

from littleshop import db, i18n
from littleshop.entry import admitting
from littleshop.money import Money
from littleshop.oversight import escrowing
from littleshop.oversight.escrowing import Stuck
from littleshop.sale import waiting
from littleshop.shop import admissions, cards
from littleshop.shop.admissions import Admission
from tests.cast import Town
from tests.settlement.paper_bank import verify
from tests.web.back_room import shown
from tests.web.client import World, hidden, says
from tests.web.market import WANTING, Market
from tests.web.night_shift import Desk


def with_escrow(world: World) -> None:
    """From here on an institution holds the money."""
    world.house.settings = msgspec.structs.replace(world.house.settings, escrow="psp_escrow")


async def asked(world: World, shop_id: int, gateway: str = "alipay") -> Admission:
    """The seller is known, and the institution asked about him."""
    town = Town(world.house.database, world.house.keyring, world.at, shop_id=shop_id)
    async with town.database.connection() as conn:
        is_known = await cards.active(conn, shop_id) is not None
    if not is_known:
        await verify(town)

    async def ask(conn: db.Connection) -> Admission | None:
        card = await cards.active(conn, shop_id)
        assert card is not None
        return await admissions.ask(
            conn, shop_id, gateway, card_id=card.card_id, shop_name="小满", at=town.at
        )

    found = await town.database.transaction(ask)
    assert found is not None
    return found


async def hears(world: World, known: Admission, status: str, **more: str) -> None:
    """What the institution answers."""
    await world.house.database.transaction(
        partial(admissions.hear, admission=known, status=status, at=world.at, **more)
    )


async def admits(world: World, known: Admission) -> None:
    """It says yes, and the worker does what that asks for."""
    await world.house.database.transaction(
        lambda conn: admissions.admit(conn, known, "2088000000000001", world.at)
    )
    await waiting.rail_opened(world.house.database, known.shop_id, world.at)


async def orders(market: Market, locale: str = "en") -> str:
    """Somebody orders; the address of the order's page."""
    await market.to_checkout()
    page = await market.buyer.get(f"/@xiaoman/checkout?lang={locale}")
    assert i18n.t(locale, "storefront.checkout.registering") in shown(page)
    assert 'name="method"' not in page.text
    names = ("key", "items", "cart", "total", "said")
    answer = await market.place({name: hidden(page, name) for name in names} | WANTING)
    return str(answer.headers["location"])


@pytest.mark.parametrize("locale", i18n.LOCALES)
async def test_an_order_waits_and_is_paid_once_the_shop_is_admitted(
    market: Market, locale: str
) -> None:
    with_escrow(market.world)
    known = await asked(market.world, market.shop_id)
    order = await orders(market, locale)
    page = await market.buyer.get(order)
    assert i18n.t(locale, "storefront.order.head.waiting") in shown(page)
    assert "/payment" not in page.text and "/cancellation" in page.text
    assert (await market.buyer.get(f"{order}/payment")).headers["location"] == order
    await admits(market.world, known)
    page = await market.buyer.get(order)
    assert i18n.t(locale, "storefront.order.head.invited.ask") in shown(page)
    assert f'href="{order}/payment"' in page.text  # where every way is offered, none of them first
    house, another = market.world.house, await asked(market.world, market.shop_id, "wechat_pay")
    await admits(market.world, another)
    alone, house.rails = house.rails, {**house.rails, "wechat_pay": house.rails["alipay"]}
    page = await market.buyer.get(f"{order}/payment")
    house.rails = alone
    assert i18n.t(locale, "storefront.paying.choose") in shown(page)
    assert re.findall(r'name="method" value="(\w+)"', page.text) == ["alipay", "wechat_pay"]
    await market.buyer.post(f"{order}/payment", data={"method": "alipay"})
    assert await market.statuses() == ["placed"]  # its pieces are held while he pays
    page = await market.buyer.get(order)
    assert i18n.t(locale, "storefront.order.head.placed.ask") in shown(page)
    await market.books_balance()


async def test_a_page_from_before_the_shop_could_be_paid_is_shown_anew(market: Market) -> None:
    with_escrow(market.world)
    known = await asked(market.world, market.shop_id)
    await market.to_checkout()
    page = await market.buyer.get("/@xiaoman/checkout?lang=en")
    names = ("key", "items", "cart", "total", "said")
    wish = {name: hidden(page, name) for name in names} | WANTING
    await admits(market.world, known)
    answer = await market.place(wish)
    assert answer.status_code == 409 and says(answer, "en", "terms_changed")
    assert "Alipay holds your money" in shown(answer) and await market.orders() == 0


async def test_the_seller_reads_how_far_it_is_and_what_to_do(market: Market) -> None:
    with_escrow(market.world)
    here = f"/console/{market.shop_id}"
    page = await market.seller.get(f"{here}/admission?lang=en")
    assert "Not asked for yet" in shown(page)
    known = await asked(market.world, market.shop_id)
    await orders(market)
    page = await market.seller.get(f"{here}/admission?lang=en")
    assert "You are being checked" in shown(page) and 'http-equiv="refresh"' in page.text
    assert "is checking you" in shown(await market.seller.get(f"{here}?lang=en"))
    assert "waits for the payment registration" in shown(
        await market.seller.get(f"{here}/orders?state=waiting&lang=en")
    )
    assert "Your registration is being checked" in shown(await market.seller.get(f"{here}?lang=en"))
    await hears(market.world, known, "signing", sign_url="https://pay.example/sign/7")
    page = await market.seller.get(f"{here}/admission?lang=en")
    back = f"back=http%3A%2F%2Fshop.test%2Fconsole%2F{market.shop_id}%2Fadmission"
    assert f'href="https://pay.example/sign/7?{back}"' in page.text and "<svg" in page.text
    assert "account or card that its signing page names" in shown(page)
    looked = await market.seller.post(f"{here}/admission/look")
    assert looked.status_code == 303
    await hears(market.world, known, "refused", said="户名不一致 <b>")
    assert "cannot be paid yet" in shown(await market.seller.get(f"{here}?lang=en"))
    page = await market.seller.get(f"{here}/admission?lang=en")
    assert "Their words: 户名不一致 &lt;b&gt;" in page.text
    market.world.later(minutes=10)
    again = await market.seller.post(f"{here}/admission")
    assert again.status_code == 303
    page = await market.seller.get(f"{here}/admission?lang=en")
    assert "You are being checked" in shown(page)


async def test_a_look_asks_at_once_and_not_again_within_moments(
    market: Market, owner: db.Connection
) -> None:
    with_escrow(market.world)
    known = await asked(market.world, market.shop_id)
    look = partial(admitting.look, shop_id=market.shop_id)
    count = "select count(*) from jobs where name = 'admitting.send'"
    await hears(market.world, known, "signing", sign_url="https://pay.example/sign/7")
    await market.world.house.database.transaction(partial(look, at=market.world.at))
    assert await owner.fetchval(count) == 0
    market.world.later(minutes=1)
    for _ in range(2):
        await market.world.house.database.transaction(partial(look, at=market.world.at))
    assert await owner.fetchval(count) == 1


async def test_the_rules_name_one_keeper_of_the_money(market: Market) -> None:
    with_escrow(market.world)
    page = shown(await market.buyer.get("/legal?lang=en"))
    assert "The payment company holds what buyers pay." in page
    assert "held by the platform" not in page


async def test_the_desk_lists_who_is_being_admitted(desk: Desk) -> None:
    with_escrow(desk.world)
    await asked(desk.world, desk.town.shop_id, "wechat_pay")
    page = await desk.get("/escrow?lang=en")
    assert re.search(r"WeChat Pay.*being checked.*Asked", shown(page), re.DOTALL)


async def test_the_desk_shows_what_an_institution_refuses_and_the_refund_that_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Stuck(
        desk.town.shop_id, "小满", 1001, "wechat_pay", Money(10_00, "CNY"), Money(4_00, "CNY"),
        "commission: not_allowed", desk.world.at,
    )  # fmt: skip

    async def stuck(conn: db.Connection) -> list[Stuck]:
        return [one]

    monkeypatch.setattr(escrowing, "stuck", stuck)
    for locale in i18n.LOCALES:
        page = shown(await desk.get(f"/escrow?lang={locale}"))
        assert "commission: not_allowed" in page and "4.00" in page
