"""Conversations in the console: the inbox, each with its card, and what a shop says often."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from littleshop import crypto, db, http
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.notify.live import Hub
from littleshop.sale import talking
from littleshop.trade import (
    conversation_blocks,
    conversation_lists,
    conversations,
    invitations,
    quick_answers,
)
from littleshop.trade.conversation_lists import Row
from littleshop.trade.conversations import Conversation
from littleshop.web import addresses, forms, talk_live, talk_views, wish_views
from littleshop.web.console import frame, people
from littleshop.web.console import live as console_live
from littleshop.web.forms import Kept


def _at(work: AtWork, conversation_id: UUID) -> str:
    return f"{frame.root(work.shop)}/conversations/{conversation_id}"


async def inbox(request: Request, fragment: str | None = None) -> Response:
    """GET root/conversations?only=unread&beyond=MOMENT"""
    work = await http.at_work(request)
    only = request.query_params.get("only") == "unread"
    before = people.moment(request.query_params.get("beyond"))
    async with http.house(request).database.connection() as conn:
        found = await conversation_lists.inbox(conn, work.shop.shop_id, before=before, unread=only)
        rows = [await _row(conn, http.house(request).keyring, work, each) for each in found]
        unread = await conversation_lists.unread(conn, work.shop.shop_id)
    older = ""
    if len(found) == conversation_lists.PAGE:
        older = quote(found[-1].conversation.said_at.isoformat())
    return await frame.page(
        request, work, "conversations.html", "people", fragment=fragment,
        rows=rows, unread=unread, only=only, older=older,
    )  # fmt: skip


async def _row(conn: db.Connection, keyring: Keyring, work: AtWork, row: Row) -> dict[str, Any]:
    one = row.conversation
    return {
        "card": await talk_views.card(conn, one),
        "name": await talking.name_of(conn, keyring, one),
        "words": row.words,
        "is_photo": row.is_photo,
        "mine": one.said_by == "seller",
        "new": one.new_for_seller,
        "at": one.said_at,
        "url": _at(work, one.conversation_id),
    }


async def inbox_piece(request: Request) -> Response:
    """GET root/conversations/list: the rows alone, for a page that is open"""
    return await inbox(request, fragment="listed")


async def _one(request: Request, work: AtWork) -> Conversation:
    """The conversation of the address. Raises NotFound, also for another shop's."""
    which = http.uuid(request.path_params["conversation_id"])
    async with http.house(request).database.connection() as conn:
        return await conversations.get(conn, work.shop.shop_id, which)


async def show(request: Request) -> Response:
    """GET root/conversations/ID?say=ANSWER: the thread; a quick answer stands in the field"""
    work = await http.at_work(request)
    return await _thread(request, work, await _one(request, work))


async def piece(request: Request) -> Response:
    """GET root/conversations/ID/thread: the remarks alone"""
    work = await http.at_work(request)
    return await _thread(request, work, await _one(request, work), fragment="thread")


async def _thread(
    request: Request,
    work: AtWork,
    one: Conversation,
    *,
    fragment: str | None = None,
    typed: dict[str, str] | None = None,
    no: Refused | None = None,
) -> Response:
    house, at, root = http.house(request), http.now(request), frame.root(work.shop)
    which, shop_id = one.conversation_id, work.shop.shop_id
    async with house.database.connection() as conn:
        said = await conversations.remarks(conn, shop_id, which)
        letters = await invitations.of_wish(conn, shop_id, which)
        card = await talk_views.card(conn, one)
        name = await talking.name_of(conn, house.keyring, one)
        kept = await quick_answers.of_shop(conn, shop_id)
        blocked = await conversation_blocks.among(
            conn, shop_id, which, [one.phone_index] if one.phone_index else []
        )
    if one.seller_seen < len(said) and "prefetch" not in request.headers.get("sec-purpose", ""):
        await house.database.transaction(
            lambda conn: talking.read(conn, one, "seller", len(said), at)
        )
    here, asked = _at(work, which), request.query_params.get("say", "")
    chosen = next((each.words for each in kept if str(each.answer_id) == asked), "")
    return await frame.page(
        request, work, "conversation.html", "people", status=422 if no else 200, fragment=fragment,
        rows=talk_views.rows(
            said, letters, lambda place: f"{here}/photos/{place}",
            lambda letter_id: f"{root}/collect/{letter_id}", at,
        ),
        seen=max((each.position for each in said if each.by_whom == "seller"
                  and each.position <= one.buyer_seen), default=0),
        card=card, here=here, name=name, quick=kept, blocked=blocked, role=one.role,
        card_url=_card_url(work, one, card),
        phone_masked=_phone(request, one),
        typed=typed or {"words": chosen, "photo_kept": "", "form_key": str(uuid4())},
        wrong=forms.said(request, no) if no else "",
        report_url=addresses.report(
            addresses.conversation(talking.token(house.keyring, shop_id, which))
        ),
        answer_url=f"{root}/collect/new?wish={which}",
    )  # fmt: skip


def _phone(request: Request, one: Conversation) -> str:
    """Where an answer is told, masked."""
    if one.phone_sealed is None:
        return ""
    return crypto.mask_phone(http.house(request).keyring.open(one.phone_sealed))


def _card_url(work: AtWork, one: Conversation, card: talk_views.Card) -> str:
    root = frame.root(work.shop)
    if card.about == "product" and card.title:
        return f"{root}/goods/{one.subject}"
    return f"{root}/orders/{card.number}" if card.number else ""


async def say(request: Request) -> Response:
    """POST root/conversations/ID/remarks (multipart): words, photo, form_key"""
    work = await http.at_work(request)
    one, form = await _one(request, work), await forms.read(request, photos=1)
    kept, bad = await wish_views.photo_of(request, form, work.person.person_id.bytes)
    words = wish_views.words(form.text("words"), forms.LONGEST)
    key = forms.key(form.text("form_key", 40), uuid4())
    try:
        await _say(request, work, one, Said(key, words, kept, bad))
    except Refused as no:
        sealed = forms.seal(http.house(request).keyring, kept) if kept else ""
        typed = {"words": words, "photo_kept": sealed, "form_key": str(key)}
        return await _thread(request, work, one, typed=typed, no=no)
    return frame.go(request, f"{_at(work, one.conversation_id)}#last")


class Said(msgspec.Struct, frozen=True):
    """A remark as its form brings it; `bad`: what is wrong with the photo."""

    key: UUID
    words: str
    kept: Kept | None
    bad: str


async def _say(request: Request, work: AtWork, one: Conversation, said: Said) -> None:
    """Raises Refused: too_many, talk_photo, and as talking.say."""
    person, at = work.person.person_id, http.now(request)
    http.check_limits(request, "answer", str(person))
    if said.bad:
        raise Refused("talk_photo", sentence=said.bad)
    await http.house(request).database.transaction(
        lambda conn: talking.say(
            conn, one, said.key, by_whom="seller", words=said.words,
            photo=said.kept.file if said.kept else None, person_id=person, at=at,
        )
    )  # fmt: skip


async def block(request: Request) -> Response:
    """POST root/conversations/ID/block: nothing more from this buyer"""
    work, at = await http.at_work(request), http.now(request)
    one = await _one(request, work)
    await http.house(request).database.transaction(
        lambda conn: conversation_blocks.add(conn, one, work.person.person_id, at)
    )
    return frame.go(request, _at(work, one.conversation_id), "talk_blocked")


async def unblock(request: Request) -> Response:
    """POST root/conversations/ID/unblock"""
    work = await http.at_work(request)
    one = await _one(request, work)
    await http.house(request).database.transaction(
        lambda conn: conversation_blocks.remove(conn, one)
    )
    return frame.go(request, _at(work, one.conversation_id), "talk_unblocked")


async def photo(request: Request) -> Response:
    """GET root/conversations/ID/photos/N"""
    work = await http.at_work(request)
    one = await _one(request, work)
    position = http.number(request.path_params["position"])
    return await talk_views.stream(request, work.shop.shop_id, one.conversation_id, position)


async def live(request: Request) -> Response:
    """GET root/conversations/ID/live, or of all of them: a hint at each change"""
    work, hub = await http.at_work(request), request.app.state.hub
    which = ""
    if "conversation_id" in request.path_params:
        which = str((await _one(request, work)).conversation_id)
    return _listen(request, work, hub, which)


def _listen(request: Request, work: AtWork, hub: Hub, which: str) -> Response:
    if hub.open_pages >= console_live.MOST_PAGES:
        return talk_live.refused()
    house, token = http.house(request), request.cookies.get(http.SESSION, "")
    told = talk_live.hints(
        hub, work.shop.shop_id, which, lambda: console_live.may_see(house, work, token)
    )
    return StreamingResponse(told, media_type="text/event-stream", headers=talk_live.HEADERS)


async def quick(request: Request) -> Response:
    """GET root/conversations/answers: what the shop says often"""
    return await _quick(request, await http.at_work(request))


async def _quick(
    request: Request, work: AtWork, words: str = "", no: Refused | None = None
) -> Response:
    async with http.house(request).database.connection() as conn:
        kept = await quick_answers.of_shop(conn, work.shop.shop_id)
    return await frame.page(
        request, work, "quick_answers.html", "people", status=422 if no else 200,
        quick=kept, most=quick_answers.MOST, words=words, form_key=str(uuid4()),
        wrong=forms.said(request, no) if no else "",
    )  # fmt: skip


async def keep_quick(request: Request) -> Response:
    """POST root/conversations/answers: words, form_key"""
    work, form, at = await http.at_work(request), await forms.read(request), http.now(request)
    words = wish_views.words(form.text("words"), forms.LONGEST)
    key = forms.key(form.text("form_key", 40), uuid4())
    try:
        await http.house(request).database.transaction(
            lambda conn: quick_answers.add(conn, work.shop.shop_id, key, words, at)
        )
    except Refused as no:
        return await _quick(request, work, words, no)
    return frame.go(request, f"{frame.root(work.shop)}/conversations/answers")


async def drop_quick(request: Request) -> Response:
    """POST root/conversations/answers/ID/removal"""
    work = await http.at_work(request)
    which = http.uuid(request.path_params["answer_id"])
    await http.house(request).database.transaction(
        lambda conn: quick_answers.remove(conn, work.shop.shop_id, which)
    )
    return frame.go(request, f"{frame.root(work.shop)}/conversations/answers")


ROOT = "/console/{shop_id}/conversations"
_ONE = f"{ROOT}/{{conversation_id}}"
ROUTES = [
    Route(ROOT, inbox, methods=["GET"]),
    Route(f"{ROOT}/list", inbox_piece, methods=["GET"]),
    Route(f"{ROOT}/live", live, methods=["GET"]),
    Route(f"{ROOT}/answers", quick, methods=["GET"]),
    Route(f"{ROOT}/answers", keep_quick, methods=["POST"]),
    Route(f"{ROOT}/answers/{{answer_id}}/removal", drop_quick, methods=["POST"]),
    Route(_ONE, show, methods=["GET"]),
    Route(f"{_ONE}/thread", piece, methods=["GET"]),
    Route(f"{_ONE}/live", live, methods=["GET"]),
    Route(f"{_ONE}/remarks", say, methods=["POST"]),
    Route(f"{_ONE}/block", block, methods=["POST"]),
    Route(f"{_ONE}/unblock", unblock, methods=["POST"]),
    Route(f"{_ONE}/photos/{{position}}", photo, methods=["GET"]),
]
