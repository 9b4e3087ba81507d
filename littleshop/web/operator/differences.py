"""Where a rail's bill and our books differ: find out, explain, close the day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http, i18n
from littleshop.errors import NotFound, Refused
from littleshop.money import Money
from littleshop.oversight import explaining
from littleshop.oversight.acts import Act
from littleshop.settlement import bill_questions, bills
from littleshop.settlement.bills import Difference
from littleshop.settlement.closing import Standing
from littleshop.web import flash, forms, pages
from littleshop.web.operator import frame
from littleshop.web.operator.desk import day

HERE = f"{frame.ROOT}/differences"


async def listed(request: Request) -> Response:
    """GET /operator/differences"""
    at_desk, house = await frame.operator(request), http.house(request)
    async with house.database.connection() as conn:
        waits = await explaining.waiting(conn, list(house.rails.values()), http.now(request))
        asked = await _asked(conn, house)
    said = [act for _, act in waits.differences if act]
    names = await frame.names(house, [act.operator_id for act in said])
    return frame.page(
        request, at_desk, "differences.html",
        differences=[_row(one, act, names) for one, act in waits.differences],
        asked=asked, entries=waits.entries,
        days=[_day(each, pages.locale_of(request)) for each in waits.days],
        compared=[_compared(name, waits.days) for name in house.rails],
    )  # fmt: skip


async def _asked(conn: db.Connection, house: http.House) -> list[dict[str, Any]]:
    """The rails without bills, which are asked payment by payment, and what they owe us."""
    names = [rail.name for rail in house.rails.values() if not rail.has_bills]
    return [
        {
            "rail": name,
            "left": await bill_questions.open_ones(conn, name),
            "used": await bills.first_day(conn, name) is not None,
        }
        for name in names
    ]


def _row(one: Difference, last: Act | None, names: dict[UUID | None, str]) -> dict[str, Any]:
    here = f"{HERE}/{one.difference_id}"
    return {
        "id": str(one.difference_id),
        "kind": one.kind,
        "rail": one.gateway,
        "day": one.day,
        "reference": one.reference,
        "ours": None if one.ours_minor is None else Money(one.ours_minor, one.currency),
        "theirs": None if one.theirs_minor is None else Money(one.theirs_minor, one.currency),
        "words": one.words,
        "suggestion": one.suggestion,
        "shop_url": f"{frame.ROOT}/shops/{one.of_shop_id}" if one.of_shop_id else "",
        "explain_url": f"{here}/explanation",
        "ask_url": f"{here}/question" if explaining.is_ours(one) else "",
        "last": _said(last, names) if last else None,
    }


def _said(act: Act, names: dict[UUID | None, str]) -> dict[str, Any]:
    """What the rail said when it was asked."""
    minor = act.facts.get("minor")
    return {
        "who": names[act.operator_id],
        "at": act.at,
        "state": str(act.facts.get("said", "")),
        "amount": None if minor is None else Money(int(minor), str(act.facts["currency"])),
    }


def _day(one: Standing, locale: str) -> dict[str, Any]:
    """A day, and before anybody presses what stands in the way of closing it."""
    no = one.hindrance
    return {
        "on": one.day,
        "closed": one.closed,
        "compared": one.compared,
        "why": no and i18n.t(locale, f"errors.{no.code}", **flash.in_words(locale, no.details)),
        "close_url": f"{frame.ROOT}/days/{one.day}/closing",
    }


def _compared(rail: str, days: Sequence[Standing]) -> dict[str, Any]:
    """What was held against the books of a rail, of the days that are shown."""
    done = [each.day for each in days if rail in each.compared]
    return {
        "rail": rail,
        "count": len(done),
        "first": done[-1] if done else None,
        "last": done[0] if done else None,
        "missing": [each.day for each in days if rail in each.missing][::-1],
    }


async def explain(request: Request) -> Response:
    """POST /operator/differences/ID/explanation: reason"""
    at_desk = await frame.operator(request)
    difference = http.uuid(request.path_params["difference_id"])
    return await frame.act(
        request,
        HERE,
        "explained",
        lambda conn, reason, at: explaining.explain(
            conn, at_desk.operator, difference, reason=reason, at=at
        ),
    )


async def ask(request: Request) -> Response:
    """POST /operator/differences/ID/question: reason; the rail is asked outside of a transaction"""
    at_desk, house = await frame.operator(request), http.house(request)
    difference = http.uuid(request.path_params["difference_id"])
    reason = (await forms.read(request)).text("reason", 2000)
    try:
        said = await explaining.ask_again(
            house.database, house.rails, at_desk.operator, difference,
            reason=reason, at=http.now(request),
        )  # fmt: skip
    except Refused as refused:
        return _refused(request, refused)
    return frame.go(request, HERE, f"rail_{said}")


async def close(request: Request) -> Response:
    """POST /operator/days/DAY/closing: reason"""
    at_desk, house = await frame.operator(request), http.house(request)
    on, form = day(request.path_params["day"]), await forms.read(request)
    try:
        await explaining.close_day(
            house.database, list(house.rails.values()), at_desk.operator, on,
            reason=form.text("reason", 2000), at=http.now(request),
        )  # fmt: skip
    except Refused as refused:
        return _refused(request, refused)
    return frame.go(request, HERE, "day_closed")


def _refused(request: Request, refused: Refused) -> Response:
    if isinstance(refused, NotFound):
        raise refused
    return flash.refuse(request, HERE, refused)
