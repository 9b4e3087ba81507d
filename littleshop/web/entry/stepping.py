"""The steps of opening a shop as they are shown: the one that is due, one by its own address, one
put off. What saves them is saving.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from littleshop import http
from littleshop.entry import opening
from littleshop.entry.opening import Progress, Step
from littleshop.errors import NotFound, Refused
from littleshop.identity import numbers
from littleshop.identity.people import Person
from littleshop.shop import cards
from littleshop.shop.openings import PutOff
from littleshop.web import addresses, forms, pages
from littleshop.web.entry import arriving, beginning, signing_in, standing
from littleshop.web.entry.signing_in import show, to
from littleshop.web.entry.standing import page

OPEN = addresses.OPENING
STEPS: dict[str, Step] = {"identity": "identity", "card": "card", "shop": "shop"}
FIELDS = {  # the first part of a refusal's code -> the field it is said under
    "phone": "reserved_phone",
    "name": "legal_name",
    "id": "id_number",
    "consent": "consent",
    "card": "card_number",
    "photo": "picture",
    "slug": "slug",
    "awning": "awning",
}


WHOLE = frozenset({"card_checking", "card_first", "card_settled", "phone_unproved"})


def field_of(code: str) -> str:
    """The field a refusal belongs to; an empty text when it is about all of the form."""
    if code.startswith("shop_name"):
        return "name"
    if code.startswith("shop_line"):
        return "line"
    if code in WHOLE:
        return ""
    return FIELDS.get(code.partition("_")[0], "")


Handler = Callable[[Request], Awaitable[Response]]


def signed_in(handler: Handler) -> Handler:
    """A step belongs to somebody: a form that outlived its session leads to signing in and back,
    before anything of it is read."""

    async def guarded(request: Request) -> Response:
        try:
            if await http.somebody(request) is None:
                raise http.SignInFirst
            return await handler(request)
        except http.SignInFirst:
            return to(signing_in.PHONE, next=OPEN)

    return guarded


async def stands(request: Request, shop: str = "") -> tuple[Person, Progress | None]:
    """Who opens, and how far the shop of the form or address is, else the one on its way.

    Raises http.SignInFirst; NotFound for a shop that is not his.
    """
    who = await http.somebody(request)
    if who is None:
        raise http.SignInFirst
    house = http.house(request)
    shop = shop or request.query_params.get("shop", "")
    if shop:
        async with house.database.connection() as conn:
            known = await opening.progress(conn, who.person.person_id, http.number(shop))
        return who.person, known
    return who.person, await opening.resume(house.database, who.person.person_id, http.now(request))


async def begun(request: Request, shop: str) -> tuple[Person, Progress]:
    """Like `stands`; the first press of a step begins the opening."""
    person, known = await stands(request, shop)
    return person, known or await beginning.begin(request, person)


async def due(request: Request) -> Response:
    """GET /open: the step that is due; all done means the shop."""
    if await http.somebody(request) is None:
        return await page(request, "phone", person=None, known=None)
    person, known = await stands(request)
    if known is None:
        return await open_page(
            request, "shop" if await _viral(request) else "identity", person, None
        )
    step = due_step(known)
    if step is None:
        return to(arriving.console_url(known.shop.shop_id))
    return await open_page(request, step, person, known)


def due_step(known: Progress) -> Step | None:
    """The step to show: the next one, else one that was put off; a card needs a name first."""
    put_off = (step for step in known.waits if _open_again(known, step))
    step = known.next or next(put_off, None)
    return "identity" if step == "card" and known.merchant is None else step


async def _viral(request: Request) -> bool:
    async with http.house(request).database.connection() as conn:
        by = await standing.brought_by(conn, request)
    return by.shop_id is not None


def _open_again(known: Progress, step: Step) -> bool:
    return dict(known.steps)[step] not in standing.SETTLED


def step_of(request: Request) -> Step:
    """The step of an address. Raises NotFound."""
    step: Step | None = STEPS.get(request.path_params["step"])
    if step is None:
        raise NotFound
    return step


@signed_in
async def one(request: Request) -> Response:
    """GET /open/{step}: a step by its own address; one that is settled shows what is due."""
    step = step_of(request)
    person, known = await stands(request)
    if known is not None and not _open_again(known, step):
        return to(OPEN, shop=known.shop.shop_id)
    return await open_page(request, step, person, known)


async def open_page(
    request: Request,
    step: str,
    person: Person,
    known: Progress | None,
    *,
    form: dict[str, Any] | None = None,
    no: No | None = None,
    **more: Any,
) -> Response:
    """The page with this step open and, after a no, its sentence at the right field."""
    context = _context(request, step, person, known, form or {}) | more | (no.around if no else {})
    filled = context.pop("prefilled", {}) | (form or {})
    errors, status = (no.errors, 422) if no else ({}, 200)
    return await page(
        request, step,
        person=person, known=known, status=status, form=filled, errors=errors, **context,
    )  # fmt: skip


class No(msgspec.Struct, frozen=True):
    """A refusal as a step shows it: beside its fields, or around all of the form."""

    errors: dict[str, str] = msgspec.field(default_factory=dict)
    around: dict[str, str] = msgspec.field(default_factory=dict)


def no_of(request: Request, refused: Refused) -> No:
    """Where a refusal is said: a warning that may be overruled, a field's error, or above all."""
    sentence, field = forms.said(request, refused), field_of(refused.code)
    if refused.code in cards.WARNINGS:
        return No(around={"card_warning": sentence})
    return No(errors={field: sentence}) if field else No(around={"refused": sentence})


def _context(
    request: Request, step: str, person: Person, known: Progress | None, form: dict[str, Any]
) -> dict[str, Any]:
    """What the piece of one step needs beside the page's own."""
    house = http.house(request)
    if step == "identity":
        return {"documents": ["resident"], "birthday": _born(request, form.get("id_number", ""))}
    if step == "card":
        reserved = house.keyring.open(person.phone_sealed).removeprefix("+86")
        return card_context(request, form.get("card_number", "")) | {
            "holder_name": standing.summary(request, "identity", person, known),
            "prefilled": {"reserved_phone": reserved},
        }
    if step == "shop":
        return {"address_before": house.settings.public_url.partition("://")[2] + "/@"}
    return {}


def _born(request: Request, id_number: str) -> date | None:
    """The birthday that a number tells, once it is a number."""
    try:
        return numbers.parse(id_number, on=standing.today(request)).birth
    except Refused:
        return None


def card_context(request: Request, number: str) -> dict[str, Any]:
    """What a card number tells by itself: the bank of a debit card."""
    card = cards.recognise(number)
    name = card.bank_name(pages.locale_of(request)) if card.kind == "debit" else None
    return {"bank": {"name": name} if name else None, "card_warning": ""}


@signed_in
async def skip(request: Request) -> Response:
    """POST /open/{step}/skip: later, on the viral path only"""
    form = await forms.read(request)
    person, known = await stands(request, form.text("shop"))
    step = step_of(request)
    if known is None or known.opening.path != "viral" or step not in ("identity", "card"):
        raise NotFound
    database, at = http.house(request).database, http.now(request)
    for each in ("identity", "card") if step == "identity" else ("card",):  # no card without a name
        put_off: PutOff = "identity" if each == "identity" else "card"
        known = await opening.skip(database, person.person_id, known.shop.shop_id, put_off, at=at)
    if known.shop.status == "opening":
        return to(OPEN, shop=known.shop.shop_id)
    return to(arriving.console_url(known.shop.shop_id))


@signed_in
async def saved(request: Request) -> Response:
    """GET /open/saved: what is kept and how to go on"""
    person, known = await stands(request)
    steps = [
        {"name": name, "state": state, "said": standing.summary(request, name, person, known)}
        for name, state in standing.states(known, "front", signed_in=True).items()
    ]
    return show(
        request,
        "entry/saved.html",
        here=f"{OPEN}/saved",
        steps=steps,
        phone_masked=person.masked_phone(http.house(request).keyring),
        resume_url=OPEN,
        home_url="/",
    )


async def bank(request: Request) -> Response:
    """GET /open/bank?bin=622202: the bank of a number's first digits"""
    card = cards.recognise(request.query_params.get("bin", "")[:8])
    name = card.bank_name(pages.locale_of(request))
    if name is None:
        return Response(status_code=404)
    return JSONResponse(
        {"name": name, "credit": card.kind in ("credit", "semi_credit")},
        headers={"cache-control": "no-store"},
    )


ROUTES = [
    Route(OPEN, due),
    Route(f"{OPEN}/saved", saved),
    Route(f"{OPEN}/bank", bank),
    Route(f"{OPEN}/{{step}}", one),
    Route(f"{OPEN}/{{step}}/skip", skip, methods=["POST"]),
    Route(f"{OPEN}/{{step}}/skip", beginning.shown_again),
]
