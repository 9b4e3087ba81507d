"""The first page: the most urgent sentence, the other duties, today beside yesterday, the news."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.catalog import products
from littleshop.catalog.products import Listed
from littleshop.http import House
from littleshop.money import Money
from littleshop.settlement import outlook, payouts
from littleshop.settlement.payouts import Payout
from littleshop.shop.shops import Shop
from littleshop.social import credits
from littleshop.trade import (
    case_lists,
    conversation_lists,
    invitation_lists,
    order_lists,
    wishes,
)
from littleshop.trade.case_lists import CaseRow
from littleshop.trade.order_lists import Duties, GoingBack, Happening
from littleshop.web import addresses, keepers, pages, registration
from littleshop.web.console import figures, frame, money, resold_orders

LOW = 3  # so many or fewer are worth a word
MOST_LOW = 3
HAPPENED = {
    "paid": "paid",
    "shipped": "shipped",
    "handed_over": "shipped",
    "done": "shipped",
    "received": "received",
    "called_off": "refunded",
    "unpaid": "cancelled",
    "withdrawn": "cancelled",
    "reminded": "reminded",
    "case_asked": "case",
    "refund_agreed": "partly",
}


async def page(request: Request) -> Response:
    """GET root"""
    work = await http.at_work(request)
    await frame.looked(request, work)
    async with http.house(request).database.connection() as conn:
        context = await _read(conn, http.house(request), work.shop, http.now(request))
    return await frame.page(request, work, "today.html", "today", **context)


async def _read(conn: db.Connection, house: House, shop: Shop, now: datetime) -> dict[str, Any]:
    """The context of today.html without its frame."""
    duties = await order_lists.duties(conn, shop.shop_id)
    if duties.invited:
        past = await invitation_lists.past_paying(conn, shop.shop_id, now)
        duties = msgspec.structs.replace(duties, invited=duties.invited - len(past))
    goods = await products.listing(conn, shop.shop_id)
    news = await order_lists.happened(conn, shop.shop_id, list(HAPPENED))
    pots = money.pots(await outlook.expected(conn, shop.shop_id, house.calendar, now))
    pots["waits"] = registration.steps(house, pots["waits"])
    back = await order_lists.going_back(conn, shop.shop_id)
    latest = await payouts.of_shop(conn, shop.shop_id, limit=1)
    standing = await registration.to_say(conn, house, shop)
    wanted = await case_lists.open_ones(conn, shop.shop_id)
    asked = await wishes.waiting(conn, shop.shop_id)
    talks = await conversation_lists.unread(conn, shop.shop_id, wishes=False)
    drawn = await figures.today(conn, shop, now)
    ahead = await resold_orders.coming(conn, shop, now)
    requests = _requests(wanted, frame.root(shop))
    urgent = _urgent(duties, goods, bool(news), requests, frame.root(shop))
    urgent = _unless_registering(urgent, standing, pots["waits"])
    return {
        "viewers": drawn.pop("viewers"),
        "urgent": urgent,
        "todos": _registration(standing, frame.root(shop))
        + [each for each in requests if each["kind"] != urgent["kind"]]
        + ([_todo("wish", asked, f"{frame.root(shop)}/wishes", waits=True)] if asked else [])
        + ([_todo("talk", talks, f"{frame.root(shop)}/conversations", waits=True)] if talks else [])
        + _todos(shop, duties, goods, pots, back, latest, urgent["kind"])
        + _resold(ahead, frame.root(shop)),
        "figures": drawn,
        "happened": [await told(conn, shop, each) for each in news],
        "purse": _purse(pots),
    } | _face(shop, standing)


def _registration(state: str | None, root: str) -> list[dict[str, Any]]:
    """What a seller whom no institution has admitted yet is to do, or to wait for."""
    if state is None:
        return []
    url, then = f"{root}/admission", f"admission.{state}"
    return [_todo("admission", 1, url, then=then, waits=state != "asked")]


def _unless_registering(
    urgent: dict[str, Any], state: str | None, missing: list[str]
) -> dict[str, Any]:
    """All is not well while nobody can pay: then that is the sentence."""
    if state is None and any(each.endswith("_first") for each in missing):
        state = "missing"
    if state is None or urgent["kind"] not in ("share", "calm"):
        return urgent
    return urgent | {"kind": f"admission_{state}", "url": ""}


def _face(shop: Shop, standing: str | None) -> dict[str, Any]:
    """The shop's line on top says that it is open and cannot be paid yet."""
    if standing is None or shop.status != "open":
        return {}
    state = "refused" if standing == "refused" else "registering"
    return {"shop": frame.face(shop) | {"state": state}}


def _urgent(
    duties: Duties,
    goods: list[Listed],
    any_news: bool,
    requests: list[dict[str, Any]],
    root: str,
) -> dict[str, Any]:
    """What cannot wait, the first that holds."""
    by_courier = duties.to_ship - duties.pickup
    if duties.late:
        return {"kind": "late", "count": duties.late, "by": None, "url": f"{root}/orders"}
    if by_courier:
        due = duties.next_due
        return {"kind": "ship", "count": by_courier, "by": due, "url": f"{root}/orders"}
    if duties.pickup:
        url = f"{root}/orders"
        return {"kind": "pick_up", "count": duties.pickup, "by": None, "url": url}
    if requests and requests[0]["kind"] == "case":
        return {name: requests[0][name] for name in ("kind", "count", "by", "url")}
    if not goods:
        return {"kind": "no_goods", "count": 0, "by": None, "url": f"{root}/goods/new"}
    if not any_news and not duties.placed:
        return {"kind": "share", "count": 0, "by": None, "url": f"{root}/share"}
    return {"kind": "calm", "count": 0, "by": None, "url": ""}


def _todo(kind: str, count: int, url: str, **more: Any) -> dict[str, Any]:
    blank = {"title": "", "number": None, "amount": None, "by": None, "waits": False}
    return blank | {"kind": kind, "then": kind, "count": count, "url": url} | more


def _requests(wanted: list[CaseRow], root: str) -> list[dict[str, Any]]:
    """What buyers want back, as far as the seller is waited for; of several the first that is
    due is told."""
    yours = [each for each in wanted if each.sellers_turn]
    found = []
    if yours:
        first = yours[0]
        kind = first.kind if first.status == "asked" else first.status
        url = f"{root}/orders/{first.order_number}/cases/{first.number}"
        facts = {"number": first.order_number, "amount": first.amount, "by": first.due_at}
        url = url if len(yours) == 1 else f"{root}/cases"
        found.append(_todo("case", len(yours), url, then=f"case.{kind}", waits=True, **facts))
    if disputed := [each for each in wanted if each.status == "disputed"]:
        first = disputed[0]
        url = f"{root}/orders/{first.order_number}/cases/{first.number}"
        found.append(_todo("disputed", len(disputed), url, number=first.order_number))
    return found


def _todos(
    shop: Shop,
    duties: Duties,
    goods: list[Listed],
    pots: dict[str, Any],
    back: GoingBack,
    latest: list[Payout],
    urgent: str,
) -> list[dict[str, Any]]:
    """The other duties, what waits longest for the seller first."""
    root, found = frame.root(shop), []
    if duties.reminded:
        number, by = duties.reminded_number, duties.reminded_due
        url = f"{root}/orders/{number}"
        kind = "reminded" if by else "reminded_late"
        found.append(_todo(kind, duties.reminded, url, number=number, by=by, waits=True))
    by_courier = duties.to_ship - duties.pickup
    if urgent == "late" and by_courier > duties.late:
        count, by = by_courier - duties.late, duties.next_due
        found.append(_todo("ship", count, f"{root}/orders", by=by))
    if duties.pickup and urgent != "pick_up":
        found.append(_todo("pick_up", duties.pickup, f"{root}/orders"))
    if back.orders:
        amount = Money(back.minor, shop.currency)
        found.append(_todo("refund", back.orders, f"{root}/orders?state=ended", amount=amount))
    if duties.placed:
        found.append(_todo("unpaid", duties.placed, f"{root}/orders?state=placed"))
    if duties.waiting:
        found.append(_todo("waiting", duties.waiting, f"{root}/orders?state=waiting"))
    if duties.invited:
        found.append(_todo("invited", duties.invited, f"{root}/orders?state=placed"))
    if latest and latest[0].state == "returned":
        found.append(_todo("returned", 1, f"{root}/money", amount=latest[0].amount, waits=True))
    waits_url = f"{addresses.OPENING}?shop={shop.shop_id}"
    found += [_todo(each, 1, waits_url, waits=True) for each in pots["waits"]]
    return found + _shelf(goods, root)


def _resold(ahead: dict[str, Any] | None, root: str) -> list[dict[str, Any]]:
    """What others ship for this shop: nothing to do, and money to come."""
    if ahead is None:
        return []
    then = f"resold_{ahead['where']}" + ("_by" if ahead["by"] else "")
    facts = {"amount": ahead["amount"], "by": ahead["by"], "then": then}
    facts |= {"packed": ahead["packed"], "sent": ahead["sent"]}
    return [_todo("resold", ahead["count"], f"{root}/resold", **facts)]


def _shelf(goods: list[Listed], root: str) -> list[dict[str, Any]]:
    """What runs out, the scarcest first, and what is gone in one row."""
    gone = [each for each in goods if each.spare <= 0]
    low = sorted((each for each in goods if 0 < each.spare <= LOW), key=lambda each: each.spare)
    rows = [
        _todo("low", each.spare, f"{root}/goods/{each.product_id}", title=each.title)
        for each in low[:MOST_LOW]
    ]
    if gone:
        url = f"{root}/goods/{gone[0].product_id}" if len(gone) == 1 else f"{root}/goods"
        rows.append(_todo("sold_out", len(gone), url, title=gone[0].title))
    return rows


def _purse(pots: dict[str, Any]) -> dict[str, Any]:
    available, leaves = pots["available"], pots["next"]
    return {
        "next": leaves["amount"] if leaves else max(available, Money(0, available.currency)),
        "next_on": leaves["arrives_on"] if leaves else None,
        "held": pots["held"],
    }


async def told(conn: db.Connection, shop: Shop, each: Happening) -> dict[str, Any]:
    """A row of "just now"."""
    return {
        "kind": HAPPENED[each.kind],
        "number": each.number,
        "title": each.title,
        "picture_url": frame.picture(each.photo),
        "amount": each.total if each.kind == "paid" else None,
        "at": each.at.astimezone(ZoneInfo(shop.zone)),
        "share_name": await credits.name_of(conn, shop.shop_id, each.share_code),
        "url": f"{frame.root(shop)}/orders/{each.number}",
    }


async def duties(conn: db.Connection, house: House, shop: Shop, locale: str) -> str:
    """The head of an open page anew: what is most urgent, and the other duties."""
    now: datetime = house.clock.now()
    found = await _read(conn, house, shop, now)
    context = {"urgent": found["urgent"], "todos": found["todos"], "root": frame.root(shop)}
    local = now.astimezone(ZoneInfo(shop.zone))
    return pages.render(locale, "console/pieces/duties.html", now=local, **context)


async def pieces(
    conn: db.Connection, house: House, shop: Shop, locale: str, numbers: dict[int, list[str]]
) -> dict[str, list[str]]:
    """What an open page replaces: event name to texts; `numbers` are the orders with news."""
    now: datetime = house.clock.now()
    drawn = await figures.today(conn, shop, now)
    viewers = drawn.pop("viewers")
    waiting = await order_lists.waiting(conn, shop.shop_id)
    rows = [
        await told(conn, shop, each)
        for number, kinds in numbers.items()
        for each in await order_lists.happened(conn, shop.shop_id, kinds, 1, number)
    ]
    keeper = keepers.of_mode(house.settings.escrow)
    figures_html = pages.render(locale, "console/pieces/figures_now.html", figures=drawn, now=now)
    return {
        "waiting": [str(waiting)],
        "figures": [figures_html],
        "viewers": [figures.viewers_line(locale, viewers)] if shop.status == "open" else [],
        "happened": [
            pages.render(
                locale, "console/pieces/happened.html", happened=row, now=now, keeper=keeper
            )
            for row in rows
        ],
    }
