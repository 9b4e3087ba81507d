"""A conversation on a buyer's page: whose it is, its thread, and the phone that is left with it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from littleshop import crypto, db, http, ids
from littleshop.entry import signing_in
from littleshop.errors import NotFound, Refused
from littleshop.identity import phones
from littleshop.identity.codes import Asker
from littleshop.identity.phones import Phone
from littleshop.sale import inviting, talking, wishing
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.trade import (
    conversation_lists,
    conversations,
    gifts,
    invitations,
    order_links,
    orders,
)
from littleshop.trade.conversation_lists import Row
from littleshop.trade.conversations import Conversation
from littleshop.web import addresses, browsers, forms, pages, talk_live, talk_views
from littleshop.web.storefront import bought_at
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.visitors import is_person, remember

PURPOSE = "talk"


class Talk(msgspec.Struct, frozen=True):
    """A conversation behind a link; `own`: this device reads and writes in it; `sold_by`: the shop
    its buyer bought in, where that is not the one that ships and answers."""

    conversation: Conversation
    shop: Shop
    token: str
    device: bytes
    own: bool
    sold_by: Shop | None = None


def address(request: Request, conversation: Conversation) -> str:
    """Where its buyer reads it; of a wish, the wish's page."""
    keyring, shop_id = http.house(request).keyring, conversation.shop_id
    if conversation.about == "wish":
        return addresses.wish(wishing.token(keyring, shop_id, conversation.conversation_id))
    token = talking.token(keyring, shop_id, conversation.conversation_id)
    return addresses.conversation(token)


async def behind(request: Request) -> Talk:
    """The conversation of the address. Raises NotFound."""
    token, device = request.path_params["token"], http.device(request)
    shop_id = http.token_shop(token)
    async with http.house(request).database.connection() as conn:
        found = await conversations.by_token(conn, shop_id, ids.hashed(token))
        own = device is not None and await _is_own(conn, found, device)
        shop, sold_by = await shops.get(conn, shop_id), await _sold_by(conn, found)
        return Talk(found, shop, token, device or b"", own, sold_by)


async def _is_own(conn: db.Connection, conversation: Conversation, device: bytes) -> bool:
    """On the device that began it or proved its phone; of an order, on each that acts for it."""
    shop_id, which = conversation.shop_id, conversation.conversation_id
    if await conversations.is_own(conn, shop_id, which, device):
        return True
    if conversation.about != "order" or conversation.subject is None:
        return False
    order = await orders.get(conn, shop_id, conversation.subject)
    return order is not None and await order_links.is_trusted(
        conn, order, conversation.role, device
    )


async def _sold_by(conn: db.Connection, conversation: Conversation) -> Shop | None:
    if conversation.about != "order" or conversation.subject is None:
        return None
    order = await orders.get(conn, conversation.shop_id, conversation.subject)
    return None if order is None else await bought_at.shop_of(conn, order)


async def owned(request: Request) -> Talk:
    """The same on the buyer's own device. Raises NotFound on every other."""
    talk = await behind(request)
    if not talk.own:
        raise NotFound("conversation")
    return talk


async def listed(request: Request, rows: Sequence[Row]) -> list[SimpleNamespace]:
    """A device's conversations in a shop, as a list leads to them."""
    shown = []
    async with http.house(request).database.connection() as conn:
        for row in rows:
            card = await talk_views.card(conn, row.conversation)
            shown.append(
                SimpleNamespace(
                    card=card, words=row.words, is_photo=row.is_photo,
                    new=row.conversation.new_for_buyer, url=address(request, row.conversation),
                )
            )  # fmt: skip
    return shown


async def thread(
    request: Request,
    talk: Talk,
    *,
    fragment: str | None = None,
    no: Refused | None = None,
    typed: Any = None,
    phone: dict[str, str] | None = None,
) -> Response:
    """The thread as it stands, which is seen from now on; with `no`, why nothing came of what was
    asked; `phone` is what its form holds."""
    house, at, which = http.house(request), http.now(request), talk.conversation.conversation_id
    async with house.database.connection() as conn:
        said = await conversations.remarks(conn, talk.shop.shop_id, which)
        letters = await invitations.of_wish(conn, talk.shop.shop_id, which)
        card = await talk_views.card(conn, talk.conversation)
        others = await conversation_lists.of_device(conn, talk.shop.shop_id, talk.device)
    await _mark_seen(request, talk, len(said))

    def letter_url(invitation_id: UUID) -> str:
        return addresses.invitation(inviting.token(house.keyring, talk.shop.shop_id, invitation_id))

    return pages.page(
        request,
        "storefront/talk.html",
        status=422 if no else 200,
        fragment=fragment,
        private=True,
        shop=bought_at.face(talk.sold_by, talk.shop, pages.locale_of(request)),
        token=talk.token,
        card=card,
        card_url=_card_url(request, talk, card),
        rows=talk_views.rows(
            said, letters,
            lambda place: addresses.conversation_part(talk.token, f"photos/{place}"),
            letter_url, at,
        ),
        closed=talk.conversation.about != "order" and talk.shop.status not in ("open", "paused"),
        key=str(uuid4()),
        typed=typed or SimpleNamespace(words="", photo_kept="", form_key=str(uuid4())),
        wrong=forms.said(request, no) if no and phone is None else "",
        phone=_phone(request, talk, phone or {}, no),
        others=await listed(
            request, [each for each in others if each.conversation.conversation_id != which]
        ),
        now=at,
        zone=ZoneInfo(talk.shop.zone),
    )  # fmt: skip


def _phone(
    request: Request, talk: Talk, held: dict[str, str], no: Refused | None
) -> SimpleNamespace:
    """The phone that answers are told to, or the form that leaves one."""
    sealed, keyring = talk.conversation.phone_sealed, http.house(request).keyring
    known = crypto.mask_phone(keyring.open(sealed)) if sealed else ""
    return SimpleNamespace(
        known=known,
        typed=held.get("phone", ""),
        sent=held.get("sent", ""),
        problem=forms.said(request, no) if no and held else "",
        key=browsers.new_key(),
    )


def _card_url(request: Request, talk: Talk, card: talk_views.Card) -> str:
    slug, subject = talk.shop.slug or "", talk.conversation.subject
    if card.about == "product" and not card.gone:
        return addresses.product(slug, subject)
    if card.about == "order" and not card.gone:
        seed = f"{subject}:{gifts.ROLE}" if talk.conversation.role == gifts.ROLE else str(subject)
        key = http.house(request).keyring.link_key
        return addresses.order(ids.order_token(key, talk.shop.shop_id, seed))
    return "" if card.gone else addresses.shop(slug)


async def _mark_seen(request: Request, talk: Talk, last: int) -> None:
    """What a person has before his eyes; a page fetched ahead is not."""
    if talk.conversation.buyer_seen >= last or not (is_person(request) or request.method == "POST"):
        return
    at = http.now(request)
    await http.house(request).database.transaction(
        lambda conn: talking.read(conn, talk.conversation, "buyer", last, at)
    )


def listen(request: Request, talk: Talk) -> Response:
    """The stream of hints of an open page."""
    listeners: talk_live.Listeners = request.app.state.listeners
    if listeners.is_full(talk.device):
        return talk_live.refused()

    async def still() -> bool:
        async with http.house(request).database.connection() as conn:
            return await _is_own(conn, talk.conversation, talk.device)

    which = str(talk.conversation.conversation_id)
    told = talk_live.hints(request.app.state.hub, talk.shop.shop_id, which, still)
    return StreamingResponse(
        talk_live.buyers(listeners, talk.device, told),
        media_type="text/event-stream",
        headers=talk_live.HEADERS,
    )


async def photo(request: Request, talk: Talk, position: int) -> Response:
    """A private photo of one's own conversation."""
    which = talk.conversation.conversation_id
    return await talk_views.stream(request, talk.shop.shop_id, which, position)


async def prove_phone(request: Request) -> Response:
    """POST /c/TOKEN/phone: phone, form_key sends a code; phone, digits: answers are told there."""
    talk, form = await owned(request), await read_form(request)
    typed, digits = form.get("phone", "")[:40], form.get("digits")
    held = {"phone": typed, "sent": ""}
    try:
        phone = phones.parse(typed)
        held = {"phone": phone.e164, "sent": crypto.mask_phone(phone.e164)}
        if digits is None:
            await _send_code(request, phone, talk.device)
            return await thread(request, talk, phone=held)
        await _check(request, phone, digits, talk.device)
        await _keep_phone(request, talk, phone)
    except Refused as no:
        return await thread(request, talk, no=no, phone=held)
    return RedirectResponse(addresses.conversation(talk.token), status_code=303)


async def _keep_phone(request: Request, talk: Talk, phone: Phone) -> None:
    keyring, which = http.house(request).keyring, talk.conversation.conversation_id
    index, sealed = keyring.index(phone.e164), keyring.seal(phone.e164)
    await http.house(request).database.transaction(
        lambda conn: conversations.set_phone(conn, talk.shop.shop_id, which, index, sealed)
    )


async def _send_code(request: Request, phone: Phone, device: bytes) -> None:
    """Raises Refused: too_many, and as signing_in.ask_code."""
    house = http.house(request)
    await http.check_code(request, device, phone.country)
    await signing_in.ask_code(
        house.database,
        house.keyring,
        phone.e164,
        Asker(device, http.address(request)),
        locale=pages.locale_of(request),
        at=http.now(request),
        purpose=PURPOSE,
    )


async def _check(request: Request, phone: Phone, digits: str, device: bytes) -> None:
    """Raises Refused: too_many, code_empty, code_wrong(left), code_expired, code_spent."""
    house = http.house(request)
    http.check_limits(request, "try_code", device, http.address(request))
    await signing_in.check_code(
        house.database, house.keyring, phone, digits, browser=device, purpose=PURPOSE,
        at=http.now(request),
    )  # fmt: skip


def door(
    request: Request, talk: Talk, *, sent: bool = False, no: Refused | None = None
) -> Response:
    """What a strange device sees: nothing of what was said, and no figure of the phone that was
    proven, a code to which lets its owner in."""
    return pages.page(
        request,
        "storefront/talk_door.html",
        status=422 if no else 200,
        private=True,
        shop=bought_at.face(talk.sold_by, talk.shop, pages.locale_of(request)),
        token=talk.token,
        can_prove=_proven(request, talk) is not None,
        sent=sent,
        problem=forms.said(request, no) if no else "",
        form_key=browsers.new_key(),
    )


def _proven(request: Request, talk: Talk) -> Phone | None:
    one = talk.conversation
    if one.phone_index is None or one.phone_sealed is None:
        return None
    return phones.parse(http.house(request).keyring.open(one.phone_sealed))


async def prove_device(request: Request) -> Response:
    """POST /c/TOKEN/code: form_key sends a code to the phone that was left; digits lets in."""
    talk, form = await behind(request), await read_form(request)
    phone, digits = _proven(request, talk), form.get("digits")
    if phone is None:
        raise NotFound("conversation")
    token, device = browsers.named(request, form.get("form_key", ""))
    try:
        if digits is None:
            await _send_code(request, phone, device)
            return remember(request, door(request, talk, sent=True), token)
        await _let_in(request, talk, phone, digits, device)
    except Refused as no:
        return door(request, talk, sent=digits is not None, no=no)
    return RedirectResponse(addresses.conversation(talk.token), status_code=303)


async def _let_in(request: Request, talk: Talk, phone: Phone, digits: str, device: bytes) -> None:
    await _check(request, phone, digits, device)
    which = talk.conversation.conversation_id
    await http.house(request).database.transaction(
        lambda conn: conversations.trust(conn, talk.shop.shop_id, which, device)
    )
