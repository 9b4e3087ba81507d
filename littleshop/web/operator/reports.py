"""What people reported, and appeals: leave it, take it down with a reason, or put it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.errors import NotFound
from littleshop.oversight import reporting
from littleshop.oversight.reporting import Appealed, Seen
from littleshop.risk import reports
from littleshop.web import addresses, forms
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/reports"
CAN_GO = ("product", "review")  # what can be taken off the pages by itself


async def listed(request: Request) -> Response:
    """GET /operator/reports"""
    at_desk = await frame.operator(request)
    async with http.house(request).database.connection() as conn:
        found = await reporting.waiting(conn)
        appeals = await reporting.appeals(conn)
    return frame.page(
        request, at_desk, "reports.html",
        reports=[_row(each) for each in found], appeals=[_appeal(each) for each in appeals],
    )  # fmt: skip


def _row(seen: Seen) -> dict[str, Any]:
    told, shop = seen.reported, seen.shop
    here = f"{HERE}/{told.shop_id}/{told.about}"
    return {
        "id": f"{told.shop_id}-{told.about}-{told.subject}",
        "about": told.about,
        "thing": told.subject,
        "shop": shop.name,
        "shop_url": f"{frame.ROOT}/shops/{told.shop_id}",
        "title": seen.title,
        "page_url": "" if told.about == "letter" else told.path,
        "count": told.count,
        "since": told.since,
        "kinds": Counter(told.kinds).most_common(),
        "words": told.words,
        "review": _review(seen),
        "down": seen.down,
        "can_go": told.about in CAN_GO and not seen.down,
        "urls": {name: f"{here}/{name}" for name in ("dismissal", "settlement", "takedown")},
    }


def _review(seen: Seen) -> dict[str, Any] | None:
    if seen.review is None:
        return None
    row = seen.review.review
    return {
        "name": row.name,
        "stars": row.stars,
        "words": row.words.splitlines(),
        "photos": [addresses.photo(each.file, min(360, each.width)) for each in seen.review.photos],
    }


def _appeal(appealed: Appealed) -> dict[str, Any]:
    down, here = appealed.takedown, f"{HERE}/appeals/{appealed.takedown.shop_id}"
    return {
        "id": str(down.takedown_id),
        "shop": appealed.shop.name,
        "shop_url": f"{frame.ROOT}/shops/{down.shop_id}",
        "title": appealed.title,
        "why": down.why,
        "at": down.at,
        "words": down.appeal.splitlines(),
        "appealed_at": down.appealed_at,
        "refuse_url": f"{here}/{down.takedown_id}/refusal",
        "return_url": f"{here}/{down.takedown_id}/return",
    }


Decide = Callable[..., Awaitable[None]]


async def _decide(request: Request, said: str, decide: Decide) -> Response:
    """One decision on all that was said of a thing, with the reason of the form."""
    at_desk, shop_id = await frame.operator(request), http.number(request.path_params["shop_id"])
    about, thing = request.path_params["about"], (await forms.read(request)).text("thing", 80)
    if about not in reports.ABOUTS:
        raise NotFound("report")
    return await frame.act(
        request,
        HERE,
        said,
        lambda conn, reason, at: decide(
            conn, at_desk.operator, shop_id, about, thing, reason=reason, at=at
        ),
    )


async def dismiss(request: Request) -> Response:
    """POST /operator/reports/SHOP/ABOUT/dismissal: thing, reason"""
    return await _decide(request, "report_dismissed", reporting.dismiss)


async def settle(request: Request) -> Response:
    """POST /operator/reports/SHOP/ABOUT/settlement: thing, reason"""
    return await _decide(request, "report_settled", reporting.settle)


async def take_down(request: Request) -> Response:
    """POST /operator/reports/SHOP/ABOUT/takedown: thing, reason"""
    return await _decide(request, "taken_down", reporting.take_down)


async def _answer(request: Request, said: str, *, put_back: bool) -> Response:
    at_desk, shop_id = await frame.operator(request), http.number(request.path_params["shop_id"])
    takedown_id: UUID = http.uuid(request.path_params["takedown_id"])

    async def work(conn: db.Connection, reason: str, at: Any) -> None:
        await reporting.answer(
            conn, at_desk.operator, shop_id, takedown_id, put_back=put_back, reason=reason, at=at
        )

    return await frame.act(request, HERE, said, work)


async def refuse(request: Request) -> Response:
    """POST /operator/reports/appeals/SHOP/ID/refusal: reason"""
    return await _answer(request, "appeal_refused", put_back=False)


async def put_back(request: Request) -> Response:
    """POST /operator/reports/appeals/SHOP/ID/return: reason"""
    return await _answer(request, "put_back", put_back=True)
