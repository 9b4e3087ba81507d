"""A figure of the money page, pressed: the lines it is the sum of, and the sum."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http, i18n
from littleshop.errors import NotFound
from littleshop.http import AtWork
from littleshop.ledger import accounts, chart
from littleshop.money import Money
from littleshop.settlement import made_of, payouts
from littleshop.settlement.due import Line
from littleshop.settlement.made_of import Component
from littleshop.web import pages
from littleshop.web.console import frame, money
from littleshop.web.rates import percent


async def available(request: Request) -> Response:
    """GET root/money/available"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        found = await money.coming(conn, work.shop, http.now(request))
        total = await _balance(conn, work, chart.PAYABLE)
    return await _page(request, work, "available", total, _lines(request, work, found))


async def held(request: Request) -> Response:
    """GET root/money/held"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        found = await made_of.held(conn, work.shop)
        total = await _balance(conn, work, chart.ESCROW)
    return await _page(request, work, "held", total, _parts(request, work, found))


async def lent(request: Request) -> Response:
    """GET root/money/lent"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        found = await made_of.owed(conn, work.shop)
        total = await _balance(conn, work, chart.DUE_TO_SHOP)
    return await _page(request, work, "lent", total, _parts(request, work, found))


async def kept(request: Request) -> Response:
    """GET root/money/kept"""
    work, locale = await http.at_work(request), pages.locale_of(request)
    async with http.house(request).database.connection() as conn:
        found = await made_of.kept(conn, work.shop, http.now(request))
    rows = [_row(i18n.t(locale, "money.line.retained"), found.retained)] if found.retained else []
    if found.bps:
        said = {"percent": percent(found.bps), "count": found.days}
        rows.append(_row(i18n.t(locale, "money.line.reserve", **said), found.reserve))
    behind = _parts(request, work, found.parts)
    total = found.retained + found.reserve
    return await _page(request, work, "kept", total, rows, behind=behind)


async def payout(request: Request) -> Response:
    """GET root/money/payouts/ID"""
    work, house = await http.at_work(request), http.house(request)
    async with house.database.connection() as conn:
        one = await payouts.get(conn, work.shop.shop_id, _id(request))
        if one is None:
            raise NotFound
        older = await payouts.of_shop(conn, work.shop.shop_id, before=one.run_on, limit=1)
        every = await payouts.of_shop(
            conn, work.shop.shop_id, before=one.run_on + timedelta(days=1), limit=1
        )  # all of its run
        told = await money.explained(conn, every, older)
    found = next(lines for each, lines in zip(every, told, strict=True) if each == one)
    return await _page(request, work, "payout", one.amount, _lines(request, work, found))


def _id(request: Request) -> UUID:
    return http.uuid(request.path_params["payout_id"])


async def _balance(conn: db.Connection, work: AtWork, account: str) -> Money:
    return await accounts.balance(conn, work.shop.shop_id, account, work.shop.currency)


def _row(text: str, amount: Money, why: str = "", url: str = "") -> dict[str, Any]:
    return {"text": text, "why": why, "amount": amount, "url": url}


def _lines(request: Request, work: AtWork, found: Iterable[Line]) -> list[dict[str, Any]]:
    locale, here = pages.locale_of(request), f"{frame.root(work.shop)}/orders"
    return [
        _row(
            i18n.t(locale, f"console.line.{each.kind}", number=each.number or ""),
            each.amount,
            i18n.t(locale, f"console.line_why.{each.kind}"),
            f"{here}/{each.number}" if each.number else "",
        )
        for each in found
    ]


def _parts(request: Request, work: AtWork, found: Iterable[Component]) -> list[dict[str, Any]]:
    locale, here = pages.locale_of(request), f"{frame.root(work.shop)}/orders"
    rows = []
    for each in found:
        what = f"money.line.{each.kind}" if each.kind == "rest" or not each.number else (
            "console.line.order"
        )  # fmt: skip
        rows.append(
            _row(
                i18n.t(locale, what, number=each.number or "", count=each.count),
                each.amount,
                i18n.t(locale, f"money.line_why.{each.kind}"),
                f"{here}/{each.number}" if each.number else "",
            )
        )
    return rows


async def _page(
    request: Request,
    work: AtWork,
    what: str,
    total: Money,
    lines: list[dict[str, Any]],
    behind: list[dict[str, Any]] | None = None,
) -> Response:
    return await frame.page(
        request, work, "money_made_of.html", "money", what=what, total=total, lines=lines,
        behind=behind or [],
    )  # fmt: skip
