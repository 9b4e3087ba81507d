"""What buyers say of the shop's things, and the seller's one answer to each. Nothing here deletes:
what must not stand is reported, and an operator decides."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.trade import reviews
from littleshop.trade.reviews import Shown
from littleshop.web import addresses, forms
from littleshop.web.console import frame

PAGE = 20
UNANSWERED = "unanswered"


async def listed(request: Request) -> Response:
    """GET root/reviews?only=unanswered&page="""
    work = await http.at_work(request)
    only = request.query_params.get("only") == UNANSWERED
    number = http.number(request.query_params.get("page", "1")) or 1
    return await _page(request, work, only, number)


async def _page(
    request: Request,
    work: AtWork,
    only: bool,
    number: int,
    *,
    wrong: tuple[str, str, str] = ("", "", ""),
) -> Response:
    """The list; `wrong` is of which review an answer was refused, why, and what was typed."""
    shop_id = work.shop.shop_id
    async with http.house(request).database.connection() as conn:
        found = await reviews.of_shop(
            conn, shop_id, unanswered=only, most=PAGE + 1, skip=(min(number, 1000) - 1) * PAGE
        )
        judged = await reviews.of(conn, shop_id)
        waiting = await reviews.unanswered(conn, shop_id)
    here = f"{frame.root(work.shop)}/reviews"
    kept = f"only={UNANSWERED}&" if only else ""
    return await frame.page(
        request,
        work,
        "reviews.html",
        "people",
        status=422 if wrong[0] else 200,
        reviews=[_row(work, each, here, wrong) for each in found[:PAGE]],
        judged=judged,
        waiting_answers=waiting,
        only=only,
        here=here,
        older_url=f"{here}?{kept}page={number + 1}" if found[PAGE:] else "",
    )


def _row(work: AtWork, shown: Shown, here: str, wrong: tuple[str, str, str]) -> dict[str, Any]:
    row, place = shown.review, ZoneInfo(work.shop.zone)
    mine = wrong[0] == str(row.review_id)
    page = addresses.reviews(work.shop.slug or "", row.product_id)
    return {
        "id": str(row.review_id),
        "title": shown.title,
        "name": row.name,
        "choice": row.choice,
        "stars": row.stars,
        "words": row.words.splitlines(),
        "photos": [addresses.photo(photo.file, min(360, photo.width)) for photo in shown.photos],
        "day": row.written_at.astimezone(place).date(),
        "done": shown.done,
        "answer": row.answer.splitlines(),
        "answered": row.answered_at.astimezone(place).date() if row.answered_at else None,
        "down": row.taken_down_why,
        "answer_url": f"{here}/{row.review_id}/answer",
        "report_url": addresses.report(f"{page}/{row.review_id}"),
        "error": wrong[1] if mine else "",
        "typed": wrong[2] if mine else "",
    }


async def answer(request: Request) -> Response:
    """POST root/reviews/ID/answer: words"""
    work, review_id = await http.at_work(request), http.uuid(request.path_params["review_id"])
    words = (await forms.read(request)).text("words", 4 * reviews.ANSWER_LENGTH)
    try:
        await _answer(request, work, review_id, words)
    except NotFound:
        raise
    except Refused as no:
        told = (str(review_id), frame.sentence(request, no), words)
        return await _page(request, work, False, 1, wrong=told)
    return frame.go(request, f"{frame.root(work.shop)}/reviews#r-{review_id}", "answered")


async def _answer(request: Request, work: AtWork, review_id: UUID, words: str) -> None:
    """Raises Refused answer_empty, answer_length, answer_once; NotFound."""
    at, shop_id, by = http.now(request), work.shop.shop_id, work.person.person_id
    await http.house(request).database.transaction(
        lambda conn: reviews.answer(conn, shop_id, review_id, words, by=by, at=at)
    )
