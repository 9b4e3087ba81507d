"""The steps of opening a shop: each is shown by GET, saved by POST, and may be made anywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

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
from littleshop.shop.shops import Face
from littleshop.web import addresses, forms, pages
from littleshop.web.entry import arriving, beginning, signing_in, standing
from littleshop.web.entry.signing_in import show, to
from littleshop.web.entry.standing import page, step_url

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


def field_of(code: str) -> str:
    """The field a refusal belongs to; an empty text when it is about all of the form."""
    if code.startswith("shop_name"):
        return "name"
    if code.startswith("shop_line"):
        return "line"
    if code in ("card_checking", "card_settled"):
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
        by = await standing.brought_by(conn, standing.origin(request))
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
    status: int = 200,
    form: dict[str, Any] | None = None,
    refused: Refused | None = None,
    **more: Any,
) -> Response:
    """The page with this step open and, after a refusal, its sentence at the right field."""
    errors: dict[str, str] = {}
    if refused is not None:
        sentence, field = forms.said(request, refused), field_of(refused.code)
        if refused.code in cards.WARNINGS:
            more["card_warning"] = sentence
        elif field:
            errors[field] = sentence
        else:
            more["refused"] = sentence
        status = 422
    context = _context(request, step, person, known, form or {}) | more
    filled = context.pop("prefilled", {}) | (form or {})
    return await page(
        request, step,
        person=person, known=known, status=status, form=filled, errors=errors, **context,
    )  # fmt: skip


def _context(
    request: Request, step: str, person: Person, known: Progress | None, form: dict[str, Any]
) -> dict[str, Any]:
    house = http.house(request)
    if step == "identity":
        try:
            born = numbers.parse(form.get("id_number", ""), on=standing.today(request)).birth
        except Refused:
            born = None
        return {"documents": ["resident"], "birthday": born}
    if step == "card":
        card = cards.recognise(form.get("card_number", ""))
        name = card.bank_name(pages.locale_of(request)) if card.kind == "debit" else None
        return {
            "bank": {"name": name} if name else None,
            "card_warning": "",
            "holder_name": standing.summary(request, "identity", person, known),
            "prefilled": {
                "reserved_phone": house.keyring.open(person.phone_sealed).removeprefix("+86")
            },
        }
    if step == "shop":
        host = house.settings.public_url.partition("://")[2]
        return {"address_before": f"{host}/@"}
    return {}


@signed_in
async def identify(request: Request) -> Response:
    """POST /open/identity: legal_name, id_number, consent=yes"""
    form = await forms.read(request)
    person, known = await begun(request, form.text("shop"))
    house = http.house(request)
    try:
        known = await opening.identify(
            house.database,
            house.keyring,
            person.person_id,
            known.shop.shop_id,
            name=form.text("legal_name", 200),
            id_number=form.text("id_number", 200),
            consent=form.ticked("consent"),
            at=http.now(request),
        )
    except NotFound:
        raise
    except Refused as refused:
        typed = form.typed("legal_name", "id_number", "consent")
        return await open_page(request, "identity", person, known, form=typed, refused=refused)
    return onward(known)


@signed_in
async def bind_card(request: Request) -> Response:
    """POST /open/card: card_number, reserved_phone, confirm_number=yes"""
    form = await forms.read(request)
    person, known = await begun(request, form.text("shop"))
    house = http.house(request)
    try:
        known = await opening.bind_card(
            house.database,
            house.keyring,
            person,
            known.shop.shop_id,
            number=form.text("card_number", 200),
            phone=form.text("reserved_phone", 64).strip() or None,
            confirmed=form.ticked("confirm_number"),
            at=http.now(request),
        )
    except NotFound:
        raise
    except Refused as refused:
        if refused.code == "identity_first":
            return await open_page(request, "identity", person, known, refused=refused)
        typed = form.typed("card_number", "reserved_phone")
        return await open_page(request, "card", person, known, form=typed, refused=refused)
    return onward(known)


@signed_in
async def name_shop(request: Request) -> Response:
    """POST /open/shop (multipart): name, slug, line, awning, picture, picture_kept"""
    form = await forms.read(request, photos=1)
    person, known = await begun(request, form.text("shop"))
    house = http.house(request)
    photos = await forms.photos(request, form.files("picture")[:1], person.person_id.bytes)
    kept = (
        photos.kept[0]
        if photos.kept
        else forms.unseal(house.keyring, form.text("picture_kept"), forms.Kept)
    )
    typed: dict[str, Any] = form.typed("name", "slug", "line", "awning")
    if kept is not None:
        typed["picture_kept"] = forms.seal(house.keyring, kept)
        typed["picture_url"] = addresses.photo(kept.file, kept.url_width(360))
    face = Face(
        name=form.text("name", 200),
        slug=form.text("slug", 100),
        line=form.text("line", 500),
        picture=kept.file if kept else None,
        awning=form.text("awning") or "sea",
    )
    try:
        if photos.wrong:
            raise PictureWrong(photos.wrong[0])
        known = await opening.name_shop(
            house.database, person.person_id, known.shop.shop_id, face, at=http.now(request)
        )
    except NotFound:
        raise
    except PictureWrong as wrong:
        return await page(
            request, "shop",
            person=person, known=known, status=422, form=typed,
            errors={"picture": wrong.sentence}, **_context(request, "shop", person, known, {}),
        )  # fmt: skip
    except Refused as refused:
        return await open_page(request, "shop", person, known, form=typed, refused=refused)
    return to(f"{arriving.console_url(known.shop.shop_id)}/opened")


class PictureWrong(Exception):
    """The picture of the shop is none; the rest of the form is kept."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def onward(known: Progress) -> Response:
    """To the step that is due; after the last one to the shop."""
    shop_id = known.shop.shop_id
    if known.next is not None:
        return to(OPEN, shop=shop_id)
    if known.merchant is not None and known.card is None:
        return to(step_url("card", known))  # who gave his name now has his card at hand
    return to(arriving.console_url(shop_id))


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
    Route(f"{OPEN}/identity", identify, methods=["POST"]),
    Route(f"{OPEN}/card", bind_card, methods=["POST"]),
    Route(f"{OPEN}/shop", name_shop, methods=["POST"]),
    Route(f"{OPEN}/{{step}}/skip", skip, methods=["POST"]),
    Route(f"{OPEN}/{{step}}/skip", beginning.shown_again),
]
