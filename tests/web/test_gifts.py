"""A gift through the pages: given, sent on, claimed; nobody sees what is not for him."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote
from uuid import UUID, uuid4

import httpx

from littleshop import db
from littleshop.catalog import stock
from littleshop.sale import gifting, returning, sending_back, shipping
from littleshop.trade import cases, orders
from littleshop.trade.cases import Case
from tests.web.client import hidden, says
from tests.web.market import Market, reference_of

GIVER = {"recipient": "林晓", "phone": "138 0000 2046", "to_name": "阿宁", "words": "生日快乐"}
HIS = {
    "recipient": "周宁",
    "phone": "136 1111 3057",
    "province": "四川省",
    "city": "成都市",
    "district": "武侯区",
    "street": "天府大道 99 号",
}
NUMBER = "SF1408223100671"
PLACES = ("", "/status", "/payment", "/payment/status", "/receipt", "/pickup", "/code", "/cases",
          "/cases?kind=return", "/cases?kind=return&reason=damaged", "/cases/1",
          "/reviews/1")  # fmt: skip
AMOUNT = re.compile(r"(?<![\w-])(?:168|16800)(?![\w-])")
HIS_PHONE = re.compile(r"13611113057|136 1111 3057|(?<![0-9a-f])3057(?![\w-])")
GIVERS_PHONE = re.compile(r"13800002046|138 0000 2046|(?<![0-9a-f])2046(?![\w-])")
WHERE = re.compile("成都|武侯|天府|周宁|顺丰|SF Express|SF1408|1408 2231|SF14")


@dataclass
class Given:
    """A gift that is paid: its two links, and the four who come by them."""

    market: Market
    givers: str
    recipients: str
    recipient: httpx.AsyncClient
    stranger: httpx.AsyncClient

    async def reads(self) -> None:
        """Every page of it by each of the four; none holds what is not for its reader."""
        giver, his = self.market.buyer, self.recipient
        for place in PLACES:
            for client in (giver, self.stranger):
                told = await client.get(self.givers + place)
                assert not WHERE.search(told.text), (place, WHERE.search(told.text))
                assert not HIS_PHONE.search(told.text), place
            for client in (his, self.stranger, giver):
                told = await client.get(self.recipients + place)
                assert not AMOUNT.search(told.text), (place, AMOUNT.search(told.text))
                assert not GIVERS_PHONE.search(told.text), place
            strange = await self.stranger.get(self.recipients + place)
            assert not WHERE.search(strange.text), place
            assert NUMBER not in unquote(str(strange.headers))

    async def hears(self) -> None:
        """What was sent to each phone holds nothing that is not for it."""
        await self.market.world.work()
        for phone, told in self.market.world.inbox:
            said = json.dumps(json.loads(told), ensure_ascii=False)
            if phone.endswith("3057"):
                assert not AMOUNT.search(said) and not GIVERS_PHONE.search(said), said
            if phone.endswith("2046"):
                assert not WHERE.search(said) and not HIS_PHONE.search(said), said

    async def claims(self, client: httpx.AsyncClient | None = None) -> httpx.Response:
        return await (client or self.recipient).post(f"{self.recipients}/claim", data=HIS)

    async def sold(self, work: Callable[[db.Connection, orders.Order], Awaitable[object]]) -> None:
        """The seller does something with the order."""
        house = self.market.world.house

        async def act(conn: db.Connection) -> None:
            order = await orders.by_number(conn, self.market.shop_id, 1001)
            assert order is not None
            await work(conn, order)

        await house.database.transaction(act)

    async def case(self) -> Case:
        house = self.market.world.house
        async with house.database.connection() as conn:
            order = await orders.by_number(conn, self.market.shop_id, 1001)
            assert order is not None
            return (await cases.of_order(conn, order.shop_id, order.order_id))[-1]


async def wraps(market: Market) -> tuple[httpx.Response, str]:
    """From the basket through the checkout of a gift to the rail; and the giver's page."""
    await market.to_checkout()
    plain = await market.buyer.get("/@xiaoman/checkout")
    names = ("key", "items", "cart", "total")
    form = {name: hidden(plain, name) for name in names} | GIVER
    turned = await market.buyer.post("/@xiaoman/checkout", data=form | {"then": "gift"})
    assert turned.status_code == 200 and 'name="province"' not in turned.text
    assert hidden(turned, "as") == "gift"
    assert (await market.buyer.get("/@xiaoman/checkout?as=gift")).text.count('name="to_name"') == 1
    form |= {"as": "gift", "delivery": "courier", "method": "alipay", "then": "place"}
    sent = await market.buyer.post("/@xiaoman/checkout", data=form)
    assert sent.status_code == 303, sent.text
    found = re.search(r"/o/[^/?]+", unescape(unquote(sent.headers["location"])))
    assert found is not None
    return sent, found[0]


async def gives(market: Market) -> Given:
    sent, givers = await wraps(market)
    unpaid = await market.buyer.get(givers)
    assert "data-share" not in unpaid.text
    await market.notify(reference_of(sent))
    await market.world.work()
    page = await market.buyer.get(givers)
    found = re.search(r'data-link="[^"]*(/o/[^"]+)"', page.text)
    assert found is not None, page.text
    world = market.world
    texted = [json.loads(told) for phone, told in world.inbox if phone.endswith("2046")]
    assert texted and found[1] not in json.dumps(texted)  # it leads to where that link stands
    assert any(givers.endswith(said.get("link", "-")) for said in texted), texted
    return Given(market, givers, found[1], world.browser("en"), world.browser("zh-CN"))


async def test_a_gift_is_claimed_sent_and_swapped_and_no_page_or_message_says_too_much(
    market: Market,
) -> None:
    given = await gives(market)
    await given.reads()
    letter = await given.recipient.get(given.recipients)
    assert "生日快乐" in letter.text and 'name="province"' in letter.text
    wrong = await given.recipient.post(f"{given.recipients}/claim", data=HIS | {"phone": "12"})
    assert wrong.status_code == 409 and "天府大道" in wrong.text
    assert (await given.claims()).status_code == 303
    assert await market.statuses() == ["to_ship"]
    late = await given.claims(given.stranger)
    assert late.status_code == 409 and says(late, "zh-CN", "gift_taken")
    await given.reads()
    assert "周宁" in (await given.recipient.get(given.recipients)).text

    async def ship(conn: db.Connection, order: orders.Order) -> None:
        at = market.world.at
        await shipping.ship(conn, order.shop_id, order.order_id, carrier="sf", number=NUMBER, at=at)

    await given.sold(ship)
    await given.hears()
    await given.reads()
    assert NUMBER[:4] in (await given.recipient.get(given.recipients)).text
    assert (await given.recipient.get(f"{given.recipients}/receipt")).status_code == 200
    await sends_it_back(given)
    await market.books_balance()


async def sends_it_back(given: Given) -> None:
    """It came broken: the recipient asks, the seller agrees, all the money goes to the giver."""
    market, his = given.market, given.recipient
    begun = await his.get(f"{given.recipients}/cases?kind=return&reason=damaged")
    assert 'name="amount"' not in begun.text
    asked = {"kind": "return", "reason": "damaged", "words": "裂了",
             "form_key": hidden(begun, "form_key")}  # fmt: skip
    assert (await his.post(f"{given.recipients}/cases", data=asked)).status_code == 303
    await given.reads()
    case, at = await given.case(), market.world.at
    assert case.amount.minor == 16800

    async def agree(conn: db.Connection, order: orders.Order) -> None:
        await returning.agree(conn, order.shop_id, case.case_id, by="seller", at=at, words="景德镇")

    await given.sold(agree)
    await given.reads()
    back = {"tracking_number": NUMBER, "carrier": "sf"}
    assert (await his.post(f"{given.recipients}/cases/1/parcel", data=back)).status_code == 303
    await given.reads()

    async def take_back(conn: db.Connection, order: orders.Order) -> None:
        await sending_back.take_back(
            conn, order.shop_id, case.case_id, by="seller", to_shelf=False, at=at
        )

    await given.sold(take_back)
    await given.hears()
    await given.reads()
    assert await market.statuses() == ["refunded"]


async def test_a_code_to_the_phone_of_his_role_lets_another_device_of_his_act(
    market: Market,
) -> None:
    given = await gives(market)
    assert (await given.stranger.get(f"{given.recipients}/code")).status_code == 404
    await given.claims()
    await market.world.work()
    for link, phone in ((given.recipients, "3057"), (given.givers, "2046")):
        tablet = market.world.browser("en")
        page = await tablet.get(f"{link}/code")
        await tablet.post(f"{link}/code", data={"form_key": hidden(page, "form_key")})
        await market.world.work()
        assert market.world.inbox[-1][0].endswith(phone)
        proved = await tablet.post(f"{link}/code", data={"digits": market.world.code()})
        assert proved.status_code == 303
        shown = await tablet.get(link)
        assert ("周宁" in shown.text) == (link == given.recipients)


async def test_the_giver_takes_it_back_and_the_seller_is_told_what_it_is(market: Market) -> None:
    given = await gives(market)
    order = await market.seller.get(f"/console/{market.shop_id}/orders/1001")
    assert "林晓送的礼物" in order.text and "/slip" not in order.text
    await given.claims()
    refused = await market.buyer.post(f"{given.givers}/cancellation")
    assert refused.status_code == 409
    order = await market.seller.get(f"/console/{market.shop_id}/orders/1001")
    assert "第一次" not in order.text  # the orders before are the giver's, not the recipient's
    assert "天府大道" in order.text and "138 0000 2046".replace(" ", "") in order.text
    slip = await market.seller.get(f"/console/{market.shop_id}/orders/1001/slip")
    assert "天府大道" in slip.text and not AMOUNT.search(slip.text)
    assert not GIVERS_PHONE.search(slip.text)
    await market.books_balance()


async def test_unclaimed_its_giver_calls_it_off_and_its_link_says_that_it_is_over(
    market: Market,
) -> None:
    given = await gives(market)
    assert (await market.buyer.post(f"{given.recipients}/cancellation")).status_code in (403, 409)
    assert (await market.buyer.post(f"{given.givers}/cancellation")).status_code == 303
    assert await market.statuses() == ["refunded"]
    assert (await given.claims()).status_code == 409
    await given.reads()
    await given.hears()
    await market.books_balance()


async def test_its_recipient_takes_it_in_another_colour_of_the_same_price(market: Market) -> None:
    given, white = await gives(market), uuid4()

    async def stock_white(conn: db.Connection, order: orders.Order) -> None:
        await conn.execute(
            "insert into variants (shop_id, variant_id, product_id, choice, price_minor)"
            " values ($1, $2, $3, '{月白}', 16800)",
            order.shop_id,
            white,
            UUID(market.product),
        )
        at = market.world.at
        await stock.move(conn, order.shop_id, white, 1, reason="counted", at=at)

    await given.sold(stock_white)
    letter = await given.recipient.get(given.recipients)
    assert letter.text.count('name="kind_1"') == 2 and str(white) in letter.text
    wrong = await given.recipient.post(f"{given.recipients}/claim", data=HIS | {"kind_1": "x"})
    assert wrong.status_code == 409
    await given.recipient.post(f"{given.recipients}/claim", data=HIS | {"kind_1": str(white)})
    assert "月白" in (await given.recipient.get(given.recipients)).text
    await given.reads()
    await market.books_balance()


async def test_before_it_is_paid_its_link_says_only_that_it_is_being_wrapped(
    market: Market,
) -> None:
    _, givers = await wraps(market)
    async with market.world.house.database.connection() as conn:
        order = await orders.by_number(conn, market.shop_id, 1001)
    assert order is not None
    token = gifting.link(market.world.house.keyring, market.shop_id, order.order_id)
    friend = market.world.browser("en")
    shown = await friend.get(f"/o/{token}")
    assert "wrapped" in shown.text and 'name="province"' not in shown.text
    refused = await friend.post(f"/o/{token}/claim", data=HIS)
    assert refused.status_code == 409 and says(refused, "en", "gift_wrapped")
    assert givers not in shown.text
