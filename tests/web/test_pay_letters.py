"""A cart that somebody else pays, or several friends, through the pages: each story to its end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import httpx
import msgspec
import pytest

from littleshop.sale import ticking
from littleshop.web.storefront import cashier
from tests.web.client import hidden, says
from tests.web.market import WANTING, Market, reference_of

ASKED = {"from_name": "阿婷", "words": "你说挑个暖和的，\n我就挑了。"}
SECRETS = ("文三路", "478 号", "西湖区", "13800002046", "138 0000 2046", "2046", "陈婉婷")


@dataclass
class Sent:
    """An order that others pay: its sender's page and the link for whoever pays."""

    order: str
    letter: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no payer ever sees."""
        return (*SECRETS, self.order.removeprefix("/o/"))


async def sends(market: Market, kind: str, form: dict[str, str] | None = None) -> Sent:
    """Ask others to pay a basket, at its checkout."""
    if form is None:
        await market.to_checkout()
        form = await market.form()
    answer = await market.place(form | ASKED | {"then": kind})
    assert answer.status_code == 303, answer.text
    order = answer.headers["location"]
    page = (await market.buyer.get(order)).text
    found = re.search(r'data-link="http://shop\.test(/o/[^"]+)"', page)
    assert found is not None, page
    return Sent(order, found[1])


async def gives(
    client: httpx.AsyncClient, sent: Sent, amount: str = "", **words: str
) -> httpx.Response:
    """Press the button of the letter: to the rail."""
    page = await client.get(sent.letter)
    form = {"key": hidden(page, "key"), "amount": amount} | words if amount else {}
    return await client.post(f"{sent.letter}/payment", data=form)


async def arrives(market: Market, went: httpx.Response, yuan: str) -> None:
    """The rail says that it was paid."""
    assert went.status_code == 303, went.text
    await market.notify(reference_of(went), total_amount=yuan)
    await market.world.work()


async def time_passes(market: Market, **span: float) -> None:
    """The clocks strike, and the rail sends back whatever is to go back."""
    at, house = market.world.later(**span), market.world.house
    await ticking.sweep(house.database, at)
    await market.world.work()


def friends(market: Market, count: int) -> Iterator[httpx.AsyncClient]:
    return (market.world.browser("zh-CN") for _ in range(count))


async def test_somebody_else_pays_and_sees_on_his_link_what_became_of_his_money(
    market: Market,
) -> None:
    sent = await sends(market, "pay_for_me")
    mine = await market.buyer.get(sent.order)
    assert "还没有人打开" in mine.text and "把链接发给付钱的人" in mine.text
    robot = market.world.browser(user_agent="facebookexternalhit/1.1")
    for looks in (market.buyer, robot):  # neither the one who wrote it nor a preview has seen it
        assert (await looks.get(sent.letter)).status_code == 200
    assert "还没有人打开" in (await market.buyer.get(sent.order)).text

    payer, other = friends(market, 2)
    page = await payer.get(sent.letter)
    for said in ("阿婷请你帮忙付", "你说挑个暖和的", "青灰釉盖碗", "替阿婷付"):
        assert said in page.text
    assert "有人打开了" in (await market.buyer.get(sent.order)).text
    went = await gives(payer, sent)
    waits = await payer.get(f"{sent.letter}/payment")
    assert "阿婷请你帮忙付" in waits.text and "168" in waits.text
    await arrives(market, went, "168.00")
    assert await market.statuses() == ["to_ship"]
    assert "付好了" in (await payer.get(f"{sent.letter}/payment")).text
    assert "你付了 ¥168.00" in (await payer.get(sent.letter)).text
    late = await other.get(sent.letter)
    assert "已经付好了" in late.text and "你付了" not in late.text and "/payment" not in late.text
    assert len([text for phone, text in market.world.inbox if "2046" in phone]) == 1
    assert "你可以自己取消" in (await market.buyer.get(sent.order)).text
    seen = (await other.get(sent.order)).text  # by the buyer's link, on a phone that isn't his
    assert "下单的人可以取消" in seen and "你可以" not in seen
    await market.books_balance()


async def test_a_letter_that_was_sent_stands_when_its_sender_buys_the_same_again(
    market: Market,
) -> None:
    await market.to_checkout()
    form = await market.form()
    sent, (payer,) = await sends(market, "pay_for_me", form), friends(market, 1)
    await market.to_checkout()  # the page of before, and the same thing anew
    for again in (form | {"key": "k" * 32}, await market.form()):
        assert (await market.place(again)).status_code == 303
    assert await market.statuses() == ["invited", "placed", "placed"]
    here = f"/console/{market.shop_id}"  # for the seller it is unpaid: nobody is being registered
    listed = (await market.seller.get(f"{here}/orders?state=placed&lang=en")).text
    assert listed.count("order-row") >= 3 and "state=waiting" not in listed
    number = re.findall(rf"{here}/orders/(\d+)", listed)[-1]
    assert "Waiting for whom" in (await market.seller.get(f"{here}/orders/{number}?lang=en")).text
    went = await gives(payer, sent)
    await arrives(market, went, "168.00")
    assert await market.statuses() == ["to_ship", "placed", "placed"]
    await market.books_balance()


async def test_a_price_that_moves_while_the_payer_reads_is_said_before_anything_is_paid(
    market: Market,
) -> None:
    sent, (payer,) = await sends(market, "pay_for_me"), friends(market, 1)
    page = await payer.get(sent.letter)
    form = {"seen": hidden(page, "seen")}
    async with market.world.house.database.connection() as conn:
        await conn.execute(
            "update orders set adjusted_minor = 2000, total_minor = total_minor + 2000"
        )
    said = await payer.post(f"{sent.letter}/payment", data=form)
    assert "188.00" in said.text and "168.00" in said.text and said.status_code < 500
    assert "alipay" not in said.headers.get("location", "")
    again = await payer.get(sent.letter)
    went = await payer.post(f"{sent.letter}/payment", data={"seen": hidden(again, "seen")})
    await arrives(market, went, "188.00")
    assert await market.statuses() == ["to_ship"]
    await market.books_balance()


async def test_friends_fill_it_and_everybody_sees_who_gave_what(market: Market) -> None:
    sent = await sends(market, "chip_in")
    first, second = friends(market, 2)
    page = await first.get(sent.letter)
    assert "剩下的全包了，¥168.00" in page.text and "没凑满" in page.text
    told = len(market.world.inbox)
    went = await gives(first, sent, "5000", name="小陈", words="生日快乐")
    await arrives(market, went, "50.00")
    assert await market.statuses() == ["collecting"] and len(market.world.inbox) == told
    hers = (await market.seller.get(f"/console/{market.shop_id}/orders/1001")).text
    for said in ("已经付了</dt><dd>¥50.00", "还差</dt><dd>¥118.00", "付齐了才开始", "谁付的退给谁"):
        assert said in hers
    assert "还没付" not in hers
    for client, where in ((market.buyer, sent.order), (second, sent.letter)):
        shown = (await client.get(where)).text
        assert "小陈" in shown and "生日快乐" in shown and "118" in shown
    beyond = await gives(second, sent, "other", other="118.01")
    assert beyond.status_code == 409 and "最多 ¥118.00" in beyond.text
    for wrong in ({"amount": "0"}, {"amount": "-1"}, {"amount": "x"}, {"amount": "other"}):
        assert (await second.post(f"{sent.letter}/payment", data=wrong)).status_code == 409
    await arrives(market, await gives(market.buyer, sent, "rest", name="阿婷"), "118.00")
    assert await market.statuses() == ["to_ship"]
    assert "你付了 ¥50.00" in (await first.get(sent.letter)).text
    assert "你付了" not in (await second.get(sent.letter)).text
    await market.books_balance()


async def test_of_two_who_pay_the_rest_at_the_same_second_the_second_gets_it_back(
    market: Market,
) -> None:
    sent = await sends(market, "chip_in")
    pair = list(friends(market, 2))
    went = await asyncio.gather(*(gives(each, sent, "rest") for each in pair))
    assert len({reference_of(each) for each in went}) == 2
    await asyncio.gather(
        *(market.notify(reference_of(each), total_amount="168.00") for each in went)
    )
    await market.world.work()
    assert await market.statuses() == ["to_ship"]
    pages = [(await each.get(sent.letter)).text for each in pair]
    assert sorted("比你早一步" in page for page in pages) == [False, True]
    loser = pair[0 if "比你早一步" in pages[0] else 1]
    assert "退回" in (await loser.get(f"{sent.letter}/payment")).text
    await market.books_balance()


@pytest.mark.parametrize("how", ["nobody_fills_it", "its_sender_stops_it"])
async def test_what_is_not_full_goes_back_to_everybody(market: Market, how: str) -> None:
    sent = await sends(market, "chip_in")
    pair = list(friends(market, 2))
    for each, (fen, yuan) in zip(pair, (("5000", "50.00"), ("2000", "20.00")), strict=True):
        await arrives(market, await gives(each, sent, fen), yuan)
    if how == "nobody_fills_it":
        await time_passes(market, hours=73)
    else:
        assert "都退回去" in (await market.buyer.get(sent.order)).text
        await market.buyer.post(f"{sent.order}/cancellation")
        await time_passes(market, minutes=1)
    assert await market.statuses() == ["cancelled"]
    for each, yuan in zip(pair, ("50.00", "20.00"), strict=True):
        page = (await each.get(sent.letter)).text
        assert f"你付的 ¥{yuan} 原路退回" in page and 'name="amount"' not in page
    await market.books_balance()


async def test_a_letter_that_cannot_be_paid_says_what_to_do_next(market: Market) -> None:
    (payer,) = friends(market, 1)
    await market.to_checkout()
    form = await market.form()
    old = await sends(market, "pay_for_me", form)
    new = await sends(market, "pay_for_me", form | {"key": "of the page once more"})
    assert "替阿婷付" in (await payer.get(old.letter)).text  # each stands until its sender ends it
    await market.buyer.post(f"{new.order}/cancellation")
    assert "阿婷收回了这封信" in (await payer.get(new.letter)).text
    await market.to_checkout(pieces=9)
    last = await sends(market, "pay_for_me", await market.form())
    other = market.world.browser("zh-CN")
    await market.to_checkout(other, 2)
    await other.post("/@xiaoman/checkout", data=await market.form(other) | {"phone": "13800002047"})
    gone = await payer.get(last.letter)
    assert "刚被别人买走" in gone.text and "跟阿婷说一声" in gone.text
    assert "有人先买走" in (await market.buyer.get(last.order)).text
    lost = await payer.post(f"{last.letter}/payment")
    assert lost.headers["location"] == last.letter
    assert says(await payer.get(last.letter), "zh-CN", "gone_meanwhile")
    await time_passes(market, hours=25)
    assert "过了期" in (await payer.get(last.letter)).text
    assert (await payer.post(f"{last.letter}/payment")).headers["location"] == last.letter


async def test_a_second_press_finds_the_first_ones_order_and_the_first_ones_attempt(
    market: Market,
) -> None:
    await market.to_checkout()
    form = await market.form() | ASKED | {"then": "chip_in"}
    pressed = await asyncio.gather(*(market.place(form) for _ in range(2)))
    assert len({each.headers["location"] for each in pressed}) == 1 == await market.orders()
    sent = await sends(market, "chip_in", form)
    (friend,) = friends(market, 1)
    page = await friend.get(sent.letter)
    part = {"key": hidden(page, "key"), "amount": "2000"}
    first = await friend.post(f"{sent.letter}/payment", data=part)
    again = await friend.post(f"{sent.letter}/payment", data=part)
    assert reference_of(first) == reference_of(again)


async def test_without_a_payment_that_works_here_others_can_still_be_asked(market: Market) -> None:
    await market.to_checkout()
    form = await market.form()
    chat = "Mozilla/5.0 (Linux; Android 14) Mobile Safari MicroMessenger/8.0.50"
    market.buyer.headers["user-agent"] = chat
    assert (await market.place(form | {"key": "k" * 20})).status_code == 409
    long = await market.place(form | ASKED | {"then": "chip_in", "words": "多" * 201})
    assert long.status_code == 409 and 'value="阿婷"' in long.text
    assert (await sends(market, "pay_for_me", form)).letter


async def test_an_institution_takes_no_parts_and_nothing_before_it_has_admitted_the_shop(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.to_checkout()
    form, house = await market.form() | ASKED, market.world.house
    house.settings = msgspec.structs.replace(house.settings, escrow="psp_escrow")
    page = (await market.buyer.get("/@xiaoman/checkout")).text
    assert 'value="pay_for_me"' not in page and 'value="chip_in"' not in page
    assert (await market.place(form | {"then": "pay_for_me"})).status_code == 409
    monkeypatch.setattr(cashier, "open_rails", _admitted)
    page = (await market.buyer.get("/@xiaoman/checkout")).text
    assert 'value="pay_for_me"' in page and 'value="chip_in"' not in page
    assert (await market.place(form | {"then": "chip_in"})).status_code == 409
    assert await market.orders() == 0


async def _admitted(*_: object) -> frozenset[str]:
    return frozenset({"alipay"})


@pytest.mark.parametrize("kind", ["pay_for_me", "chip_in"])
async def test_nothing_of_the_one_who_asked_leaks_to_whoever_pays(
    market: Market, kind: str
) -> None:
    sent = await sends(market, kind)
    (payer,) = friends(market, 1)
    went = await gives(payer, sent, "2000" if kind == "chip_in" else "")
    stranger = market.world.browser("en")

    async def looked_at() -> list[httpx.Response]:
        return [
            await client.get(f"{sent.letter}{part}")
            for client in (payer, stranger, market.buyer)
            for part in ("", "/payment", "/payment/status", "/payment?returned=1", "/status",
                         "/code", "/receipt", "/pickup", "/cases", "/cases/1", "/reviews/1")
        ]  # fmt: skip

    seen = await looked_at()
    await arrives(market, went, "20.00" if kind == "chip_in" else "168.00")
    seen += await looked_at()
    await time_passes(market, hours=80)
    seen += await looked_at()
    for page in seen:
        said = unescape(page.text + str(page.headers))
        assert [each for each in sent.secrets if each in said] == [], page.url
    forwarded = await stranger.get(sent.order)
    assert sent.letter not in forwarded.text and "/o/" in sent.letter
    assert WANTING["street"] in (await market.buyer.get(sent.order)).text


async def test_of_what_nobody_paid_its_buyer_finds_the_way_to_order_it_once_more(
    market: Market,
) -> None:
    sent = await sends(market, "pay_for_me")
    way = f'href="/@xiaoman/p/{market.product}">再下一单'
    assert way not in (await market.buyer.get(sent.order)).text
    await time_passes(market, hours=25)
    assert await market.statuses() == ["cancelled"]
    assert way in (await market.buyer.get(sent.order)).text
    friend = market.world.browser("zh-CN")
    assert "再下一单" not in (await friend.get(sent.order)).text
