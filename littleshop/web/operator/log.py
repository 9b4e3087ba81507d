"""The log of acts, the newest first, with the hash that vouches for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http, i18n
from littleshop.http import House
from littleshop.money import Money
from littleshop.oversight import acts, appointing
from littleshop.oversight.acts import Act
from littleshop.web import pages
from littleshop.web.operator import frame

PAGE = 50
_LISTS = {
    "difference": "differences",
    "job": "jobs",
    "rail": "rails",
    "domain": "domains",
    "hold": "holds",
    "fees": "fees",
    "refund": "refunds",
    "entrance": "entrances",
}


async def page(request: Request) -> Response:
    """GET /operator/acts?before="""
    at_desk, house = await frame.operator(request), http.house(request)
    before = request.query_params.get("before")
    async with house.database.connection() as conn:
        beyond = http.number(before) if before else None
        found = await acts.latest(conn, PAGE + 1, before=beyond)
        head = await acts.head(conn)
    shown = found[:PAGE]
    older = f"{frame.ROOT}/acts?before={shown[-1].number}" if found[PAGE:] else ""
    rows_ = await rows(house, shown, pages.locale_of(request))
    return frame.page(
        request, at_desk, "acts.html", acts=rows_, head=head.number, hash=head.hash.hex(),
        older_url=older,
    )  # fmt: skip


async def rows(house: House, found: Sequence[Act], locale: str) -> list[dict[str, Any]]:
    """Acts as pages list them; `who` is "" for the command line."""
    names = await frame.names(house, [each.operator_id for each in found])
    return [_row(each, names[each.operator_id], locale) for each in found]


def _row(act: Act, who: str, locale: str) -> dict[str, Any]:
    facts = act.facts
    minor, tail = facts.get("minor"), facts.get("tail")  # of the card that a refund went to
    return {
        "number": act.number,
        "kind": act.kind,
        "who": who,
        "at": act.at,
        "reason": _reason(act.reason, locale) + (f" (…{tail})" if tail else ""),
        "url": _url(act),
        "hash": act.hash.hex()[:8],
        "shop": str(facts.get("shop", "")) or (f"#{act.of_shop_id}" if act.of_shop_id else ""),
        "rail": str(facts.get("rail", "")),
        "order": facts.get("number"),
        "day": str(facts.get("day", "")),
        "name": str(facts.get("name", "")),
        "amount": None if minor is None else Money(int(minor), str(facts["currency"])),
    }


def _reason(reason: str, locale: str) -> str:
    """Why; a reason that no person wrote is said in the reader's language."""
    if reason == appointing.WITH_DEMO:
        return i18n.t(locale, "operator.acts.with_demo")
    if reason.startswith(appointing.BY_COMMAND):
        who = reason.removeprefix(appointing.BY_COMMAND)
        return i18n.t(locale, "operator.acts.by_command", who=who)
    return reason


def _url(act: Act) -> str:
    """The page of what it was done to."""
    what, _, rest = act.subject.partition("/")
    if what == "case":
        return f"{frame.ROOT}/disputes/{rest}"
    if what in ("shop", "person"):
        return f"{frame.ROOT}/{'shops' if what == 'shop' else 'people'}/{rest}"
    if what in ("product", "review", "letter"):
        return f"{frame.ROOT}/shops/{act.of_shop_id}"
    if what == "fees" and act.of_shop_id:
        return f"{frame.ROOT}/shops/{act.of_shop_id}/fees"
    return f"{frame.ROOT}/{_LISTS[what]}" if what in _LISTS else ""
