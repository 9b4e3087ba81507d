"""Changing the card a shop is paid to, for its owner: how it stands, the code, the form."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http
from littleshop.entry import changing_card, proving_phone
from littleshop.entry.changing_card import Details, Proof, Standing
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.identity.codes import Asker, Code
from littleshop.shop import cards
from littleshop.shop.cards import BankCard
from littleshop.web import addresses, browsers, forms, pages
from littleshop.web.entry import signing_in
from littleshop.web.entry.arriving import console_url
from littleshop.web.entry.signing_in import show, to
from littleshop.web.entry.stepping import No, card_context, no_of

PROOF = "card_proof"  # a cookie: that this browser typed a code for the change
CARD = "/console/{shop_id}/card"


def card_url(work: AtWork, page: str = "") -> str:
    """A page of the change of this shop's card."""
    return f"{console_url(work.shop.shop_id)}/card{page}"


async def _owner(request: Request) -> AtWork:
    """The owner at work. Raises NotFound for staff: the card is not theirs to see."""
    work = await http.at_work(request)
    if work.role != "owner":
        raise NotFound("page")
    return work


async def card(request: Request) -> Response:
    """GET root/card: the card that is paid to, and what became of a change."""
    work = await _owner(request)
    return await _card(request, work, "")


async def _card(request: Request, work: AtWork, refused: str, status: int = 200) -> Response:
    async with http.house(request).database.connection() as conn:
        known = await changing_card.stands(conn, work.shop.shop_id, http.now(request))
    if not known.may_change:
        return to(f"{addresses.OPENING}/card", shop=work.shop.shop_id)
    return show(
        request,
        "entry/card.html",
        here=card_url(work),
        status=status,
        refused=refused,
        phone_masked=work.person.masked_phone(http.house(request).keyring),
        back_url=f"{console_url(work.shop.shop_id)}/settings",
        ask_url=card_url(work),
        form_key=browsers.new_key(),
        **_stands(request, known),
    )


def _stands(request: Request, known: Standing) -> dict[str, Any]:
    """The cards by their banks and last digits, the change and the hold."""
    change = known.change
    return {
        "card": named(request, known.card),
        "wanted": named(request, known.wanted),
        "change": change.status if change else "",
        "stopped": known.hold.kind if known.hold and known.hold.until_at is None else "",
        "until": known.hold.until_at if known.hold else None,
        "hours": int(changing_card.HELD.total_seconds()) // 3600,
    }


def named(request: Request, card: BankCard | None) -> str:
    """A card as pages name it."""
    if card is None:
        return ""
    bank = cards.bank(card.bank_code)
    name = bank.name(pages.locale_of(request)) if bank else card.bank_code
    return f"{name} **** {card.tail}"


async def ask(request: Request) -> Response:
    """POST root/card: form_key; a code goes to the sign-in phone."""
    work = await _owner(request)
    form = await forms.read(request)
    try:
        return await _send_code(request, work, form)
    except Refused as refused:
        return await _card(request, work, forms.said(request, refused), status=422)


async def _send_code(request: Request, work: AtWork, form: forms.Form) -> Response:
    """Raises Refused."""
    token, browser = browsers.named(request, form.text("form_key", 64))
    await http.check_code(request, browser, work.person.country)
    house = http.house(request)
    await proving_phone.send_code(
        house.database,
        house.keyring,
        work.person,
        Asker(browser, http.address(request)),
        purpose=changing_card.PURPOSE,
        locale=pages.locale_of(request),
        at=http.now(request),
    )
    answer = to(card_url(work, "/code"))
    if token is not None:
        http.set_cookie(request, answer, http.DEVICE, token)
    return answer


async def code_page(request: Request) -> Response:
    """GET root/card/code"""
    return await _code(request, await _owner(request), {}, {})


async def _code(
    request: Request,
    work: AtWork,
    form: dict[str, str],
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    """The field for the code; without one on its way back to the beginning."""
    code = await _on_its_way(request, work)
    if code is None and not errors:
        return to(card_url(work))
    waits = code.resend_at if code else http.now(request)
    return show(
        request,
        "entry/card_code.html",
        here=card_url(work, "/code"),
        status=status,
        form=form,
        errors=errors,
        phone_masked=work.person.masked_phone(http.house(request).keyring),
        resend_after=signing_in.seconds_left(request, waits),
        code_url=card_url(work, "/code"),
        resend_url=card_url(work, "/code/again"),
        back_url=card_url(work),
    )


async def _on_its_way(request: Request, work: AtWork) -> Code | None:
    house, (_, browser) = http.house(request), http.make_device(request)
    async with house.database.connection() as conn:
        return await proving_phone.code_on_its_way(
            conn,
            house.keyring,
            work.person,
            browser,
            purpose=changing_card.PURPOSE,
            at=http.now(request),
        )


async def confirm(request: Request) -> Response:
    """POST root/card/code: code"""
    work = await _owner(request)
    form = await forms.read(request)
    try:
        proof = await _prove(request, work, form)
    except Refused as refused:
        errors = {"code": forms.said(request, refused)}
        return await _code(request, work, form.typed("code"), errors, status=422)
    answer = to(card_url(work, "/new"))
    sealed = forms.seal(http.house(request).keyring, proof)
    seconds = int(changing_card.PROVED.total_seconds())
    http.set_cookie(request, answer, PROOF, sealed, max_age=seconds)
    return answer


async def _prove(request: Request, work: AtWork, form: forms.Form) -> Proof:
    """Raises Refused."""
    _, browser = http.make_device(request)
    http.check_limits(request, "try_code", browser, http.address(request))
    house = http.house(request)
    return await changing_card.prove(
        house.database,
        house.keyring,
        work.person,
        work.shop.shop_id,
        form.text("code", 32),
        browser=browser,
        at=http.now(request),
    )


async def again(request: Request) -> Response:
    """POST root/card/code/again: another code; too soon is said on the page of the code."""
    work = await _owner(request)
    form = await forms.read(request)
    try:
        return await _send_code(request, work, form)
    except Refused as refused:
        errors = {"code": forms.said(request, refused)}
        return await _code(request, work, {}, errors, status=429)


def _proof(request: Request, work: AtWork) -> Proof | None:
    """The proof this browser holds, while it is good for this person and shop."""
    found = forms.unseal(http.house(request).keyring, request.cookies.get(PROOF), Proof)
    person_id, shop_id = work.person.person_id, work.shop.shop_id
    return found if found and found.holds(person_id, shop_id, http.now(request)) else None


async def new_page(request: Request) -> Response:
    """GET root/card/new"""
    work = await _owner(request)
    if _proof(request, work) is None:
        return to(card_url(work))
    keyring = http.house(request).keyring
    reserved = keyring.open(work.person.phone_sealed).removeprefix("+86")
    return _new(request, work, {"reserved_phone": reserved}, None)


def _new(request: Request, work: AtWork, form: dict[str, str], no: No | None) -> Response:
    """The form, after a refusal with its sentence at the right field."""
    around = card_context(request, form.get("card_number", "")) | {"refused": ""}
    return show(
        request,
        "entry/card_new.html",
        here=card_url(work, "/new"),
        status=422 if no else 200,
        form=form,
        errors=no.errors if no else {},
        new_url=card_url(work, "/new"),
        back_url=card_url(work),
        **(around | (no.around if no else {})),
    )


async def change(request: Request) -> Response:
    """POST root/card/new: id_number, card_number, reserved_phone, confirm_number=yes"""
    work = await _owner(request)
    form = await forms.read(request)
    proof = _proof(request, work)
    if proof is None:
        return to(card_url(work))
    try:
        await _change(request, work, proof, form)
    except Refused as refused:
        typed = form.typed("id_number", "card_number", "reserved_phone")
        return _new(request, work, typed, no_of(request, refused))
    answer = to(card_url(work))
    answer.delete_cookie(PROOF, path="/")
    return answer


async def _change(request: Request, work: AtWork, proof: Proof, form: forms.Form) -> None:
    """Raises Refused."""
    house, shop_id = http.house(request), work.shop.shop_id
    await http.check_exactly(request, "change_card", str(shop_id))
    details = Details(
        form.text("id_number", 200),
        form.text("card_number", 200),
        form.text("reserved_phone", 64),
        form.ticked("confirm_number"),
    )
    await changing_card.ask(
        house.database, house.keyring, work.person, shop_id, proof, details, at=http.now(request)
    )


ROUTES = [
    Route(CARD, card),
    Route(CARD, ask, methods=["POST"]),
    Route(f"{CARD}/code", code_page),
    Route(f"{CARD}/code", confirm, methods=["POST"]),
    Route(f"{CARD}/code/again", code_page),
    Route(f"{CARD}/code/again", again, methods=["POST"]),
    Route(f"{CARD}/new", new_page),
    Route(f"{CARD}/new", change, methods=["POST"]),
]
