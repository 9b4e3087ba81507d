"""Where there is no signal: the page the phone keeps for that, and the acts that come later."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from littleshop import http, i18n
from littleshop.errors import Conflict, NotFound, Refused
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.sale import replaying
from littleshop.sale.replaying import Act, Answer
from littleshop.shop import staff
from littleshop.web import couriers, forms, pages
from littleshop.web.console import frame

LARGEST = 4096


class Told(msgspec.Struct, frozen=True):
    """An act as a phone tells it; what is typed is text."""

    key: UUID
    kind: str
    who: str = ""  # who did it, as his pages told his phone; "" of older phones
    order: str = ""
    number: str = ""
    carrier: str = ""
    product: str = ""
    choice: list[str] = []
    seen: str = ""
    wanted: str = ""


async def shell(request: Request) -> Response:
    """GET /offline: what a phone keeps for where there is no signal; it holds nothing of anybody"""
    return pages.page(request, "console/offline.html")


async def act(request: Request) -> Response:
    """POST root/offline: an act as JSON; {state, says, now}"""
    work = await http.at_work(request)
    try:
        told = msgspec.json.decode(await forms.body(request, LARGEST), type=Told)
        if told.who not in ("", frame.mark_of(request, work)):  # somebody else is signed in now
            return JSONResponse({"state": "sign_in"}, 401)
        answer = await _replayed(request, work, told)
    except (msgspec.DecodeError, Conflict):
        return JSONResponse({"state": "refused", "says": _says(request, "offline_unclear")}, 409)
    except NotFound:
        raise
    except Refused as no:
        return JSONResponse({"state": "refused", "says": forms.said(request, no)}, 422)
    return JSONResponse(_told(request, work, told, answer))


async def _replayed(request: Request, work: AtWork, told: Told) -> Answer:
    """Raises Refused for what cannot be read, Conflict, NotFound."""
    right = replaying.RIGHTS.get(told.kind)
    if right is None or not staff.may(work.role, right):
        raise NotFound
    return await replaying.replay(
        http.house(request).database, work.shop.shop_id, work.person.person_id, told.key,
        _act(told, work.shop.currency), http.now(request),
    )  # fmt: skip


def _act(told: Told, currency: str) -> Act:
    """Raises Refused: price_*, stock_*, tracking_number, carrier_*; NotFound."""
    if told.kind == "ship":
        carrier = couriers.choose(told.number, told.carrier)
        return Act("ship", order=http.number(told.order), number=told.number, carrier=carrier)
    product, choice = http.uuid(told.product), tuple(told.choice)
    if told.kind == "price":
        seen, wanted = (forms.price(text, currency) for text in (told.seen, told.wanted))
        return Act("price", product=product, choice=choice, seen=seen, wanted=wanted)
    seen, wanted = forms.count(told.seen), forms.count(told.wanted)
    return Act("stock", product=product, choice=choice, seen=seen, wanted=wanted)


def _told(request: Request, work: AtWork, told: Told, answer: Answer) -> dict[str, Any]:
    """The answer in words, and how it stands now as it would be typed."""
    now = str(answer.now)
    if told.kind == "price":
        now = forms.shown(answer.now, work.shop.currency)
    said = ""
    if answer.state != "done":
        known = Money(answer.now, work.shop.currency) if told.kind == "price" else answer.now
        facts = {"number": answer.order or told.order, "now": known} | answer.details
        said = _says(request, answer.code, **facts)
    return {"state": answer.state, "says": said, "now": now}


def _says(request: Request, code: str, **facts: object) -> str:
    locale = pages.locale_of(request)
    key = f"offline.says.{code}" if i18n.has(locale, f"offline.says.{code}") else f"errors.{code}"
    return i18n.t(locale, key if i18n.has(locale, key) else "offline.says.else", **facts)


ROUTES = [
    Route("/offline", shell),
    Route("/console/{shop_id}/offline", act, methods=["POST"]),
]
