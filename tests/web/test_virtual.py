"""Goods that nobody carries: paid, handed out, seen by their buyer alone."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from uuid import UUID, uuid4

import httpx
import pytest

from littleshop import audit, db
from littleshop.catalog import stock, virtual
from littleshop.errors import Refused
from littleshop.i18n import t
from littleshop.sale import handing_out
from littleshop.trade.orders import Order
from tests.web.back_room import BackRoom
from tests.web.buyers_phone import NUMBER, Wanting
from tests.web.client import World, hidden
from tests.web.market import WANTING, Market, reference_of

LOCALE = "zh-CN"
CHECKOUT = "/@xiaoman/checkout"
NOBODY_CARRIES = {"recipient": "陈婉婷", "phone": "138 0000 2046", "delivery": "none",
                  "method": "alipay", "then": "place"}  # fmt: skip


async def becomes(market: Market, kind: str, text: str = "", **files: bytes) -> httpx.Response:
    """The seller says what buyers of the bowl get."""
    here = f"/console/{market.shop_id}/goods/{market.product}/virtual"
    chosen = {name: (f"{name}.pdf", content, "application/pdf") for name, content in files.items()}
    return await market.seller.post(
        here, data={"kind": kind, "text": text}, files=chosen or {"file": ("", b"", "")}
    )


async def puts_in(market: Market, *codes: str) -> httpx.Response:
    here = f"/console/{market.shop_id}/goods/{market.product}/virtual"
    page = await market.seller.get(here)
    typed = {"variant": hidden(page, "variant"), "codes": "\n".join(codes)}
    return await market.seller.post(f"{here}/codes", data=typed)


async def buys(
    market: Market, pieces: int = 1, amount: str = "168.00", *, gift: bool = False
) -> str:
    """Somebody buys and pays; the order's address."""
    await market.to_checkout(pieces=pieces)
    as_gift = {"as": "gift"} if gift else {}
    page = await market.buyer.get(CHECKOUT)
    form = {name: hidden(page, name) for name in ("key", "items", "cart", "total")}
    sent = await market.buyer.post(CHECKOUT, data=form | NOBODY_CARRIES | as_gift)
    assert sent.status_code == 303, sent.text
    link = re.search(r"/o/[^/?%&]+", httpx.URL(sent.headers["location"]).params["return_url"])
    assert link is not None
    await market.notify(reference_of(sent), total_amount=amount)
    await market.world.work()
    return link[0]


async def test_what_a_thing_becomes_is_chosen_first_and_only_then_filled_in(market: Market) -> None:
    here = f"/console/{market.shop_id}/goods/{market.product}/virtual"
    chooser = (await market.seller.get(here)).text
    assert f"{here}?kind=codes" in chooser and f"{here}?kind=real" not in chooser
    asked_by = {"text": {"text"}, "file": {"file", "text"}, "codes": {"text"}, "real": set()}
    for kind, fields in asked_by.items():
        shown = (await market.seller.get(f"{here}?kind={kind}")).text
        assert set(re.findall(r'name="(text|file|codes)"', shown)) == fields, kind
    empty = await becomes(market, "text")
    assert empty.status_code == 422 and 'name="file"' not in empty.text
    assert t(LOCALE, "errors.virtual_kind") in (await becomes(market, "")).text
    saved = await becomes(market, "codes", "在柜台出示")
    after = await market.seller.get(saved.headers["location"])
    assert t(LOCALE, "console.said.virtual_codes") in after.text
    assert after.text.index('name="codes"') < after.text.index("在柜台出示")
    back = await market.seller.post(here, data={"kind": "real"}, files={"file": ("", b"", "")})
    assert back.headers["location"].split("?")[0] == here.removesuffix("/virtual")
    assert "在柜台出示" in (await market.seller.get(f"{here}?kind=codes")).text  # kept


async def test_codes_are_given_once_and_only_their_buyer_opens_them(market: Market) -> None:
    await becomes(market, "codes", "在柜台出示")
    page = await market.buyer.get(f"/@xiaoman/p/{market.product}")
    assert t(LOCALE, "storefront.product.sold_out_bar") in page.text  # the bowls are no codes
    assert (await puts_in(market, "AAA-1", "BBB-2", "AAA-1", " ")).status_code == 303
    again = await puts_in(market, "BBB-2")
    assert again.status_code == 303
    page = await market.buyer.get(f"/@xiaoman/p/{market.product}")
    assert t(LOCALE, "virtual.at_once") in page.text

    passer_by = market.world.browser(LOCALE)
    await market.to_checkout(passer_by)
    page = await passer_by.get(CHECKOUT)
    assert t(LOCALE, "cases.promise.why.digital") in page.text  # said before it is paid
    assert 'name="delivery" value="none"' in page.text and hidden(page, "total") == "16800"

    order = await buys(market)
    assert await market.statuses() == ["shipped"]
    assert await told(market) == ["goods_ready"]  # one message, and "send it off" to nobody
    page = await market.buyer.get(order)
    assert filled(page) == [t(LOCALE, "virtual.open")]
    assert t(LOCALE, "virtual.head.closed") in page.text
    stranger = market.world.browser(LOCALE)
    assert (await stranger.get(f"{order}/goods")).status_code == 404
    assert (await stranger.post(f"{order}/goods")).status_code in (403, 409)
    assert "AAA-1" not in (await stranger.get(order)).text
    assert (await market.buyer.get(f"{order}/goods")).status_code == 404  # not before it is opened
    opened = await market.buyer.post(f"{order}/goods")
    seen = await market.buyer.get(opened.headers["location"])
    page = await market.buyer.get(order)
    assert filled(page) == [t(LOCALE, "virtual.confirm", seller="小满茶器")]
    assert t(LOCALE, "virtual.head.opened") in page.text
    assert "AAA-1" in seen.text and "BBB-2" not in seen.text and "在柜台出示" in seen.text
    assert "no-store" in seen.headers["cache-control"]
    second = await buys(market)
    await market.buyer.post(f"{second}/goods")
    assert "BBB-2" in (await market.buyer.get(f"{second}/goods")).text
    await market.books_balance()


async def test_a_gift_of_codes_is_opened_by_who_claimed_it_never_by_who_paid(
    market: Market,
) -> None:
    await becomes(market, "codes")
    await puts_in(market, "AAA-1")
    given = await buys(market, gift=True)
    assert await market.statuses() == ["claiming"]
    shown = await market.buyer.get(given)
    link = re.search(r"/o/[^/?&\"<]+", shown.text.replace(given, ""))
    assert link is not None
    friend = market.world.browser(LOCALE)
    page = await friend.get(link[0])
    assert 'name="province"' not in page.text  # nobody asks where to
    who = {"recipient": "阿青", "phone": "139 0000 3003", "then": "claim"}
    assert (await friend.post(f"{link[0]}/claim", data=who)).status_code == 303
    await market.world.work()
    assert await market.statuses() == ["shipped"]
    # his phone rings once, with what he can open; hers once more, that it was claimed
    assert sorted(await told(market)) == ["gift_claimed", "gift_paid", "gift_ready"]
    [rings] = [text for phone, text in market.world.inbox if phone.endswith("13900003003")]
    assert link[0].removeprefix("/o/") in rings
    assert (await market.buyer.post(f"{given}/goods")).status_code == 409
    assert "AAA-1" not in (await market.buyer.get(given)).text
    assert t(LOCALE, "virtual.open") in (await friend.get(link[0])).text
    await friend.post(f"{link[0]}/goods")
    assert "AAA-1" in (await friend.get(f"{link[0]}/goods")).text
    assert (await market.buyer.get(f"{link[0]}/goods")).status_code == 404
    await market.books_balance()


async def moved(
    shop_id: int, variant_id: UUID, pieces: int, reason: str, at: datetime, conn: db.Connection
) -> int:
    return await stock.move(conn, shop_id, variant_id, pieces, reason=reason, at=at)


async def moved_many(
    shop_id: int, moves: list[tuple[UUID, int, str]], at: datetime, conn: db.Connection
) -> None:
    await stock.move_many(conn, shop_id, moves, at=at, person_id=uuid4())


def filled(page: httpx.Response) -> list[str]:
    """What the filled buttons of a page say."""
    found = re.findall(r'class="btn go[^"]*"[^>]*>(.*?)</(?:button|a)>', page.text, re.S)
    return [re.sub(r"<[^>]*>", "", each).strip() for each in found]


async def told(market: Market) -> list[str]:
    async with market.world.house.database.connection() as conn:
        return [row["about"] for row in await conn.fetch("select about from messages")]


async def test_an_order_that_finds_no_code_waits_for_the_next_ones(market: Market) -> None:
    await becomes(market, "codes")
    await puts_in(market, "AAA-1")
    await counts(market, 2)  # by nothing but a hand in the tables
    order = await buys(market, pieces=2, amount="336.00")
    assert await market.statuses() == ["to_ship"]
    assert set(await told(market)) == {"order_confirmed", "codes_short"}
    async with market.world.house.database.connection() as conn:
        number = await conn.fetchval("select number from orders")
    await market.seller.post(f"/console/{market.shop_id}/orders/{number}/done")
    assert await market.statuses() == ["to_ship"]
    await puts_in(market, "BBB-2")
    assert await market.statuses() == ["shipped"]
    await market.buyer.post(f"{order}/goods")
    page = (await market.buyer.get(f"{order}/goods")).text
    assert "AAA-1" in page and "BBB-2" in page
    await counts(market, -2)
    await market.books_balance()


async def test_one_order_that_cannot_be_handed_out_keeps_nothing_from_the_others(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await becomes(market, "codes")
    await puts_in(market, "AAA-1")
    await counts(market, 2)
    for _ in range(3):
        await buys(market)
    assert sorted(await market.statuses()) == ["shipped", "to_ship", "to_ship"]
    give, asked = handing_out.now, []

    async def breaks_at_the_second(conn: db.Connection, order: Order, at: datetime) -> bool:
        asked.append(order.number)
        if len(asked) == 2:
            raise RuntimeError("power cut")
        return await give(conn, order, at)

    monkeypatch.setattr(handing_out, "now", breaks_at_the_second)
    with pytest.raises(RuntimeError, match="power cut"):
        await puts_in(market, "BBB-2")
    assert sorted(await market.statuses()) == ["shipped", "shipped", "to_ship"]


async def counts(market: Market, more: int) -> None:
    async with market.world.house.database.connection() as conn:
        await conn.execute("update variants set on_hand = on_hand + $1", more)
        await conn.execute(
            "insert into stock_movements (shop_id, movement_id, variant_id, quantity, reason, at)"
            " select shop_id, gen_random_uuid(), variant_id, $2, 'counted', $1 from variants",
            market.world.at,
            more,
        )


async def test_what_is_handed_out_as_codes_is_counted_by_its_codes_alone(market: Market) -> None:
    await becomes(market, "codes")
    await puts_in(market, "AAA-1")
    shop_id, at = market.shop_id, market.world.at
    database = market.world.house.database
    async with database.connection() as conn:
        variant_id = await conn.fetchval("select variant_id from variants")
    for reason in ("counted", "received", "stocktake"):
        for change in (2, -1):
            one = [(variant_id, change, reason)]
            with pytest.raises(Refused, match="stock_is_codes"):
                await database.transaction(partial(moved, shop_id, variant_id, change, reason, at))
            with pytest.raises(Refused, match="stock_is_codes"):
                await database.transaction(partial(moved_many, shop_id, one, at))
    await market.books_balance()


async def test_a_file_is_streamed_to_who_bought_it_and_to_nobody_else(market: Market) -> None:
    nothing = await becomes(market, "file")
    assert nothing.status_code == 422
    assert t(LOCALE, "errors.virtual_file_empty") in nothing.text
    assert (await becomes(market, "file", file=b"%PDF cups")).status_code == 303
    order = await buys(market)
    path = f"{order}/goods/1/file"
    assert (await market.buyer.get(path)).status_code == 404
    await market.buyer.post(f"{order}/goods")
    loaded = await market.buyer.get(path)
    assert loaded.content == b"%PDF cups"
    assert loaded.headers["content-type"] == "application/octet-stream"
    assert "attachment" in loaded.headers["content-disposition"]
    assert (await market.world.browser().get(path)).status_code == 404
    assert (await market.seller.get(path)).status_code == 404


async def test_what_is_sent_and_what_is_not_are_two_orders(market: Market) -> None:
    await becomes(market, "text", "https://example.org/recipe")
    cup = await market.world.add_product(market.seller, market.shop_id, "杯子", price="20.00")
    await market.to_checkout()
    await market.buyer.post(
        "/@xiaoman/basket/items", data={"product": cup, "quantity": "1", "then": "basket"}
    )
    basket = await market.buyer.get("/@xiaoman/basket")
    assert t(LOCALE, "errors.virtual_apart") in basket.text
    links = re.findall(r'href="(/@xiaoman/checkout\?only=[^"]+)"', basket.text)
    assert len(links) == 2
    at_once, sent = [await market.buyer.get(link) for link in links]
    assert t(LOCALE, "virtual.at_once") in at_once.text
    assert t(LOCALE, "virtual.at_once") not in sent.text
    form = {name: hidden(sent, name) for name in ("key", "items", "cart", "total")}
    free = await market.buyer.post(CHECKOUT, data=form | WANTING | {"delivery": "none"})
    assert free.status_code == 409 and await market.orders() == 0  # nobody saves postage so


async def test_of_two_who_pay_at_once_each_has_a_code_of_his_own(market: Market) -> None:
    await becomes(market, "codes")
    await puts_in(market, "AAA-1", "BBB-2")
    database = market.world.house.database
    async with database.connection() as conn:
        variant_id = await conn.fetchval("select variant_id from variants")

    async def takes(conn: db.Connection) -> int:
        return await virtual.give(
            conn, market.shop_id, variant_id, 1, order_id=uuid4(), position=1, at=market.world.at
        )

    async with database.connection() as one, database.connection() as other:
        first, second = one.transaction(), other.transaction()
        await first.start()
        await second.start()
        assert (await takes(one), await takes(other)) == (1, 1)  # neither waits for the other
        assert await takes(other) == 0
        await second.commit()
        await first.rollback()  # his money did not arrive after all: the code is free again
    async with database.connection() as conn:
        assert await takes(conn) == 1 and await takes(conn) == 0


async def test_what_was_paid_back_unopened_stays_closed_and_what_was_opened_stays_open(
    market: Market,
) -> None:
    await becomes(market, "codes")
    await puts_in(market, "AAA-1", "BBB-2")
    unopened, opened = await buys(market), await buys(market)
    await market.buyer.post(f"{opened}/goods")
    for number in (1001, 1002):
        answer = await market.seller.post(
            f"/console/{market.shop_id}/orders/{number}/refunds",
            data={"amount": "168.00", "reason": "发错了", "form_key": str(uuid4())},
        )
        assert answer.status_code == 303, answer.text[:500]
    late = await market.buyer.post(f"{unopened}/goods")  # the refund is on its way
    assert late.status_code == 409 and "不能再打开" in late.text
    assert (await market.buyer.get(f"{unopened}/goods")).status_code == 404
    assert f"{unopened}/goods" not in (await market.buyer.get(unopened)).text
    await market.world.work()
    assert (await market.buyer.post(f"{unopened}/goods")).status_code == 409
    assert "BBB-2" in (await market.buyer.get(f"{opened}/goods")).text
    await market.books_balance()


async def test_what_comes_back_of_a_thing_that_became_codes_is_no_piece_and_is_not_swapped(
    world: World, client: httpx.AsyncClient
) -> None:
    room = BackRoom(world, client)
    await room.open()
    wanting = Wanting(room, world.browser(LOCALE), locale=LOCALE)
    await wanting.buys()
    await wanting.asks("exchange", "wrong_item")
    await wanting.seller("agreement", words="林小满 13900001001 杭州市西湖边 3 号亭")
    await wanting.acts("parcel", tracking_number=NUMBER, carrier="")
    async with world.house.database.connection() as conn:
        product = await conn.fetchval("select product_id from order_items")
    await room.post(f"/goods/{product}/virtual", kind="codes")
    await wanting.seller("receipt", to_shelf="yes")
    refused = await wanting.seller("replacement", tracking_number=NUMBER, carrier="zto")
    assert refused.status_code == 422 and t("en", "errors.case_is_codes") in refused.text
    async with world.house.database.connection() as conn:
        assert await conn.fetchval("select sum(on_hand) from variants") == 0  # no codes, no pieces
    await room.post(f"/goods/{product}/virtual", kind="real")
    sent = await wanting.seller("replacement", tracking_number=NUMBER, carrier="zto")
    assert sent.status_code == 422  # nothing is on the shelf
    world.later(days=7)
    await wanting.clocks_strike()
    assert (await wanting.case()).status == "refunding"
    async with world.house.database.connection() as conn:
        assert await audit.prove(conn) == []


async def test_nobody_swaps_or_sends_back_what_was_handed_out(market: Market) -> None:
    await becomes(market, "codes")
    await puts_in(market, "AAA-1")
    order = await buys(market)
    offered = (await market.buyer.get(f"{order}/cases")).text
    assert "kind=exchange" not in offered and "kind=return" not in offered
    whys = await market.buyer.get(f"{order}/cases?kind=refund&reason=wrong_item")
    wish = {"kind": "exchange", "reason": "wrong_item", "words": "换一个",
            "form_key": hidden(whys, "form_key")}  # fmt: skip
    refused = await market.buyer.post(f"{order}/cases", data=wish)
    assert t(LOCALE, "errors.case_not_now") in refused.text
    assert "case_asked" not in await told(market)
    await market.books_balance()


async def test_a_seller_who_is_asked_for_the_money_sees_whether_it_was_opened(
    market: Market,
) -> None:
    await becomes(market, "codes")
    await puts_in(market, "AAA-1")
    order = await buys(market)
    whys = await market.buyer.get(f"{order}/cases?kind=refund&reason=wrong_item")
    wish = {"kind": "refund", "reason": "wrong_item", "words": "不对", "amount": "168.00",
            "form_key": hidden(whys, "form_key")}  # fmt: skip
    sent = await market.buyer.post(f"{order}/cases", data=wish)
    assert sent.status_code == 303, sent.text[-500:]
    desk = f"/console/{market.shop_id}/orders/1001/cases/1"
    assert t(LOCALE, "virtual.case_unopened") in (await market.seller.get(desk)).text
    no = await market.buyer.post(f"{order}/goods")  # the seller decides by what he read
    assert no.status_code == 409 and t(LOCALE, "errors.goods_asked_back") in no.text
    assert f"{order}/goods" not in (await market.buyer.get(order)).text
    await market.buyer.post(f"{order}/cases/1/withdrawal")
    assert (await market.buyer.post(f"{order}/goods")).status_code == 303
    whys = await market.buyer.get(f"{order}/cases?kind=refund&reason=wrong_item")
    wish["form_key"] = hidden(whys, "form_key")
    await market.buyer.post(f"{order}/cases", data=wish)
    opened = (await market.seller.get(desk.replace("cases/1", "cases/2"))).text
    assert t(LOCALE, "virtual.case_opened") in opened
    assert t(LOCALE, "virtual.case_unopened") not in opened and "AAA-1" not in opened
    await market.books_balance()
