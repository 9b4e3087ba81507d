"""Where the money is: held, available, on its way, paid; every payout explained line by line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.clock import SHANGHAI
from littleshop.errors import NotFound
from littleshop.i18n import t
from littleshop.ledger import accounts, chart
from littleshop.money import Money
from littleshop.settlement import (
    arrivals,
    due,
    former,
    outlook,
    payouts,
    seller_statements,
    telling,
)
from littleshop.settlement.due import Line
from littleshop.settlement.outlook import Expected, OnTheWay
from littleshop.settlement.payouts import Payout
from littleshop.shop import cards, shops
from littleshop.shop.shops import Shop
from littleshop.supply import prospects
from littleshop.web import addresses, pages
from littleshop.web.console import frame, statements, taken

PAGE = 12
SHOWN = 12  # lines of the balance; its own page has all


async def page(request: Request) -> Response:
    """GET root/money?beyond=DAY"""
    work, house = await http.at_work(request), http.house(request)
    beyond, locale = _day(request.query_params.get("beyond")), pages.locale_of(request)
    async with house.database.connection() as conn:
        expected = await outlook.expected(
            conn, work.shop.shop_id, house.calendar, http.now(request)
        )
        ahead = await coming(conn, work.shop, http.now(request))
        paid = await _paid(conn, work.shop, beyond, locale)
        paid["owed_by"] = await owed_by(conn, expected)
        context = pots(expected) | paid | await _around(conn, work, locale, http.now(request))
    root = frame.root(work.shop)
    context["coming"] = [_line(each, root) for each in ahead[:SHOWN]]
    context["coming_more"] = len(ahead[SHOWN:])
    context["on_the_way"] = [_on_the_way(each, root, locale) for each in expected.on_the_way]
    return await frame.page(request, work, "money.html", "money", **context)


async def _around(
    conn: db.Connection, work: http.AtWork, locale: str, at: datetime
) -> dict[str, Any]:
    """What we lent, what we take, what the owner may take along, and what of sales of two shops is
    whose once their buyers have it."""
    shop = work.shop
    ours = await prospects.coming(conn, shop.shop_id, at)
    theirs = await prospects.going(conn, shop.shop_id)
    days = await seller_statements.days(conn, shop.shop_id)
    offered = statements.offered(shop, days, at.astimezone(SHANGHAI).date())
    share = await former.share(conn, shop.shop_id)
    before = None if share is None else await cards.get(conn, shop.shop_id, share.card_id)
    return {
        "former": before
        and share
        and {
            "sum": Money(share.minor, shop.currency),
            "tail": before.tail,
        },
        "lent": await accounts.balance(conn, shop.shop_id, chart.DUE_TO_SHOP, shop.currency),
        "taken": await taken.told(conn, shop, locale, at),
        "statement": offered,
        "margins": {
            "ours": prospects.total(ours, shop.currency),
            "theirs": prospects.total(theirs, shop.currency),
        },
    }


async def _paid(
    conn: db.Connection, shop: Shop, beyond: date | None, locale: str
) -> dict[str, Any]:
    """The card and the payouts to it, each with its lines."""
    older = await payouts.of_shop(conn, shop.shop_id, before=beyond, limit=PAGE + 1)
    runs = list(dict.fromkeys(each.run_on for each in older))[:PAGE]
    found = [each for each in older if each.run_on in runs]  # a run is told whole
    before = older[len(found) :]
    lines = await explained(conn, found, before)
    days = await arrivals.booked(conn, found)
    card, root = await cards.active(conn, shop.shop_id), frame.root(shop)
    change = f"{root}/card"
    bank = "" if card is None else bank_name(card.bank_code, locale)
    return {
        "waits_url": f"{addresses.OPENING}?shop={shop.shop_id}",
        "card": None if card is None else {"bank": bank, "tail": card.tail, "change_url": change},
        "payouts": [
            _payout(each, told, root, locale, days) for each, told in zip(found, lines, strict=True)
        ],
        "older_url": f"{root}/money?beyond={found[-1].run_on}" if before else "",
    }


async def explained(
    conn: db.Connection, found: list[Payout], before: list[Payout]
) -> list[list[Line]]:
    """The lines of neighbouring payouts, newest first; `before` are those of the run before them,
    if any."""
    if not found:
        return []
    before, oldest_first = before[::-1], found[::-1]
    *taken, _ = await due.lines(
        conn,
        found[0].shop_id,
        found[0].currency,
        [due.span(each) for each in (*before, *oldest_first)],
        after=before[0].counts_before if before else None,
        until=found[0].asked_at,
    )
    kept = [each.kept for each in (*before, *oldest_first)]
    earlier = [Money(0, found[0].currency), *kept]
    sums = [each.amount for each in (*before, *oldest_first)]
    told = [due.that_sum_to(*each) for each in zip(sums, taken, kept, earlier, strict=False)]
    return told[len(before) :][::-1]


def _day(text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound from None


def pots(expected: Expected) -> dict[str, Any]:
    """What is available and when it goes out, what is held, what lacks before a payout and what
    keeps it back."""
    leaves = None
    if expected.next_on is not None and expected.arrives_on is not None:
        leaves = {
            "on": expected.next_on,
            "arrives_on": expected.arrives_on,
            "amount": expected.next_sum,
        }
    return {
        "available": expected.available,
        "kept": expected.kept,
        "not_here": expected.not_here,
        "next": leaves,
        "held": expected.held,
        "held_orders": expected.held_orders,
        "waits": [each for each in expected.waits if each != "currency"],
        "hold": expected.hold,
    }


async def owed_by(conn: db.Connection, expected: Expected) -> list[dict[str, Any]]:
    """Which shops owe what of the balance waits; none while all of it is here."""
    if not expected.not_here:
        return []
    names = await shops.names(conn, list(expected.owed_by))
    return [{"shop": names[one], "amount": sum_} for one, sum_ in expected.owed_by.items()]


def _on_the_way(each: OnTheWay, root: str, locale: str) -> dict[str, Any]:
    return {
        "url": f"{root}/money/payouts/{each.payout_id}",
        "amount": each.amount,
        "arrives_on": each.arrives_on,
        "bank": paid_to(each.rail, each.bank_code, locale),
        "tail": each.tail,
        "waits": each.waits == "rail_money",
        "take_url": f"{root}/money/payouts/{each.payout_id}/taking" if each.to_agree else "",
    }


async def coming(conn: db.Connection, shop: Shop, at: datetime) -> list[Line]:
    """What the available sum is made of: what no payout has taken."""
    latest = await payouts.of_shop(conn, shop.shop_id, limit=1)
    *_, untaken = await due.lines(
        conn,
        shop.shop_id,
        shop.currency,
        [due.span(each) for each in latest],
        after=latest[0].counts_before if latest else None,
        until=at,
    )
    kept = latest[0].kept if latest else Money(0, shop.currency)
    balance = await accounts.balance(conn, shop.shop_id, chart.PAYABLE, shop.currency)
    return due.that_sum_to(balance, untaken, Money(0, shop.currency), kept)


def bank_name(code: str, locale: str) -> str:
    """A bank as people call it, its code when we know no better."""
    known = cards.bank(code)
    return code if known is None else known.name(locale)


def paid_to(rail: str, code: str, locale: str) -> str:
    """Where a payout goes: the card's bank, or the account at the rail itself."""
    return bank_name(code, locale) if code else t(locale, f"settlement.rail.{rail}")


def _payout(
    payout: Payout, lines: list[Line], root: str, locale: str, days: Mapping[str, date]
) -> dict[str, Any]:
    return {
        "reference": payout.reference,
        "url": f"{root}/money/payouts/{payout.payout_id}",
        "amount": payout.amount,
        "state": payout.state,
        "on": payout.run_on,
        "arrives_on": arrivals.day(payout, days),
        "bank": paid_to(payout.rail, payout.bank_code, locale),
        "tail": payout.tail,
        "rail": payout.rail,
        "reason": telling.why(locale, payout.reason) if payout.reason else "",
        "lines": [_line(each, root) for each in lines],
    }


def _line(line: Line, root: str) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "number": line.number or "",
        "amount": line.amount,
        "url": f"{root}/orders/{line.number}" if line.number else "",
    }
