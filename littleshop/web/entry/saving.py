"""The steps of opening a shop as they are saved: who keeps it, its card, its sign."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http
from littleshop.entry import opening
from littleshop.entry.opening import Progress
from littleshop.errors import NotFound, Refused
from littleshop.identity.people import Person
from littleshop.shop.shops import Face
from littleshop.web import addresses, flash, forms
from littleshop.web.entry import arriving
from littleshop.web.entry.signing_in import to
from littleshop.web.entry.standing import step_url
from littleshop.web.entry.stepping import OPEN, No, begun, no_of, open_page, signed_in


async def save(
    request: Request,
    step: str,
    person: Person,
    known: Progress,
    saving: Awaitable[Progress],
    typed: dict[str, Any],
    *,
    then: Callable[[Progress], Response] | None = None,
) -> Response:
    """Save a step and go on; after a refusal the step again with what was typed, or the step
    that has to come first. Raises NotFound."""
    try:
        return flash.led(request, (then or onward)(await saving))
    except NotFound:
        raise
    except Refused as refused:
        if refused.code == "identity_first":
            step, typed = "identity", {}
        no = no_of(request, refused)
        return await open_page(request, step, person, known, form=typed, no=no)


@signed_in
async def identify(request: Request) -> Response:
    """POST /open/identity: legal_name, id_number, consent=yes"""
    form = await forms.read(request)
    person, known = await begun(request, form.text("shop"))
    house = http.house(request)
    saving = opening.identify(
        house.database,
        house.keyring,
        person.person_id,
        known.shop.shop_id,
        name=form.text("legal_name", 200),
        id_number=form.text("id_number", 200),
        consent=form.ticked("consent"),
        at=http.now(request),
    )
    typed = form.typed("legal_name", "id_number", "consent")
    return await save(request, "identity", person, known, saving, typed)


@signed_in
async def bind_card(request: Request) -> Response:
    """POST /open/card: card_number, reserved_phone, confirm_number=yes"""
    form = await forms.read(request)
    person, known = await begun(request, form.text("shop"))
    house = http.house(request)
    saving = opening.bind_card(
        house.database,
        house.keyring,
        person,
        known.shop.shop_id,
        number=form.text("card_number", 200),
        phone=form.text("reserved_phone", 64).strip() or None,
        confirmed=form.ticked("confirm_number"),
        at=http.now(request),
    )
    typed = form.typed("card_number", "reserved_phone")
    return await save(request, "card", person, known, saving, typed)


@signed_in
async def name_shop(request: Request) -> Response:
    """POST /open/shop (multipart): name, slug, line, awning, picture, picture_kept"""
    form = await forms.read(request, photos=1)
    person, known = await begun(request, form.text("shop"))
    sign = await _sign(request, form, person)
    if sign.wrong:
        no = No(errors={"picture": sign.wrong})
        return await open_page(request, "shop", person, known, form=sign.typed, no=no)
    naming = opening.name_shop(
        http.house(request).database,
        person.person_id,
        known.shop.shop_id,
        sign.face,
        at=http.now(request),
    )
    return await save(request, "shop", person, known, naming, sign.typed, then=arriving.arrived)


class Sign(msgspec.Struct, frozen=True):
    """The sign over a shop's door as it was typed: `wrong` says what is wrong with the picture."""

    face: Face
    typed: dict[str, Any]
    wrong: str


async def _sign(request: Request, form: forms.Form, person: Person) -> Sign:
    """What the form says of the shop; a picture that was kept before is kept."""
    keyring = http.house(request).keyring
    photos = await forms.photos(request, form.files("picture")[:1], person.person_id.bytes)
    kept = next(iter(photos.kept), None)
    kept = kept or forms.unseal(keyring, form.text("picture_kept"), forms.Kept)
    typed: dict[str, Any] = form.typed("name", "slug", "line", "awning")
    if kept is not None:
        typed["picture_kept"] = forms.seal(keyring, kept)
        typed["picture_url"] = addresses.photo(kept.file, kept.url_width(360))
    face = Face(
        name=form.text("name", 200),
        slug=form.text("slug", 100),
        line=form.text("line", 500),
        picture=kept.file if kept else None,
        awning=form.text("awning") or "sea",
    )
    return Sign(face, typed, next(iter(photos.wrong), ""))


def onward(known: Progress) -> Response:
    """To the step that is due; after the last one to the shop."""
    shop_id = known.shop.shop_id
    if known.next is not None:
        return to(OPEN, shop=shop_id)
    if known.merchant is not None and known.card is None:
        return to(step_url("card", known))  # who gave his name now has his card at hand
    return to(arriving.console_url(shop_id))


ROUTES = [
    Route(f"{OPEN}/identity", identify, methods=["POST"]),
    Route(f"{OPEN}/card", bind_card, methods=["POST"]),
    Route(f"{OPEN}/shop", name_shop, methods=["POST"]),
]
