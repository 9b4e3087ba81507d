"""Talking with a seller: about a product, the shop or one's own order, without any account.

The address names a conversation and shows nothing of it: it is read and written on the device that
began it, on one that acts for its order, or where a code came to the phone that was left.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http
from littleshop.catalog import products
from littleshop.catalog.drafts import tidy
from littleshop.errors import NotFound, Refused
from littleshop.sale import talking
from littleshop.shop.shops import Shop
from littleshop.trade import conversation_lists, conversations, roles
from littleshop.trade.conversations import Begun, Conversation
from littleshop.web import addresses, forms, pages, wish_views
from littleshop.web.forms import Form, Kept
from littleshop.web.storefront import afterwards, bought_at, orders, talks
from littleshop.web.storefront.talks import Talk
from littleshop.web.storefront.visitors import remember, shop_here


class Place(msgspec.Struct, frozen=True):
    """Where a buyer begins to write: `here` is the address of the form, `back` of what it is
    about."""

    shop: Shop
    about: str
    subject: UUID | None
    here: str
    back: str
    title: str = ""
    role: str = "buyer"
    phone: str | None = None
    sold_by: Shop | None = None  # whose face it has, where the shop ships what another sold


async def _place(request: Request) -> Place:
    """The shop, product or order of the address. Raises NotFound; Refused("only_look") where the
    device does not act for the order."""
    if "token" in request.path_params:
        link = await orders.acting(request, roles.TALK)
        here = addresses.order_part(link.token, "conversation")
        phone = afterwards.own_phone(http.house(request).keyring, link.seen)
        return Place(
            link.shop, "order", link.order_id, here, addresses.order(link.token),
            str(link.order.number), link.seen.role, phone, link.sold_by,
        )  # fmt: skip
    shop = await shop_here(request)
    slug = shop.slug or ""
    if "product_id" not in request.path_params:
        return Place(shop, "shop", None, addresses.talk(slug), addresses.shop(slug))
    product_id = http.uuid(request.path_params["product_id"])
    async with http.house(request).database.connection() as conn:
        product = await products.get(conn, shop.shop_id, product_id)
    here, back = addresses.talk(slug, product_id), addresses.product(slug, product_id)
    if product.status != "on_sale":
        back = ""
    return Place(shop, "product", product_id, here, back, product.title)


async def _known(request: Request, place: Place) -> Conversation | None:
    """What this device has about it already."""
    shop_id, device = place.shop.shop_id, http.device(request)
    async with http.house(request).database.connection() as conn:
        if place.about == "order":
            which = conversations.identity(shop_id, "order", place.subject, place.role)
            return await conversations.find(conn, shop_id, which)
        found = await conversation_lists.of_device(conn, shop_id, device)
    mine = [row.conversation for row in found if row.conversation.subject == place.subject]
    return mine[0] if mine else None


async def new(request: Request) -> Response:
    """GET: the form, or the conversation that is there already"""
    place = await _place(request)
    known = await _known(request, place)
    if known is not None:
        return RedirectResponse(talks.address(request, known), status_code=303)
    if not place.back:
        raise NotFound("product")
    return await _form(request, place, {})


async def _form(
    request: Request, place: Place, typed: dict[str, str], no: Refused | None = None
) -> Response:
    async with http.house(request).database.connection() as conn:
        others = await conversation_lists.of_device(conn, place.shop.shop_id, http.device(request))
    return pages.page(
        request,
        "storefront/talk_new.html",
        status=422 if no else 200,
        private=True,
        shop=bought_at.face(place.sold_by, place.shop, pages.locale_of(request)),
        about=place.about,
        title=place.title,
        here=place.here,
        back=place.back,
        name=typed.get("name", ""),
        words=typed.get("words", ""),
        key=typed.get("form_key") or str(uuid4()),
        photo_kept=typed.get("photo_kept", ""),
        wrong=forms.said(request, no) if no else "",
        others=await talks.listed(request, others),
    )


async def begin(request: Request) -> Response:
    """POST (multipart): words, photo, name, form_key"""
    place = await _place(request)
    if not place.back:
        raise NotFound("product")
    token, device = http.make_device(request)
    form = await forms.read(request, photos=1)
    said = await _read(request, form, device)
    try:
        http.check_limits(request, "talk", device, http.address(request))
        said.check()
        to = await _begin(request, place, said, device)
    except Refused as no:
        return await _form(request, place, said.typed(http.house(request).keyring), no)
    return remember(request, RedirectResponse(to, status_code=303), token)


class Said(msgspec.Struct):
    """A remark as its form brings it; `bad`: what is wrong with the photo."""

    key: UUID
    words: str
    name: str = ""
    kept: Kept | None = None
    bad: str = ""

    def check(self) -> None:
        """Raises Refused("talk_photo") when nothing is left but a photo that cannot be read."""
        if self.bad:
            raise Refused("talk_photo", sentence=self.bad)

    def typed(self, keyring: Any) -> dict[str, str]:
        """The fields for the form again."""
        kept = forms.seal(keyring, self.kept) if self.kept else ""
        known = {"words": self.words, "name": self.name, "photo_kept": kept}
        return known | {"form_key": str(self.key)}


async def _read(request: Request, form: Form, device: bytes) -> Said:
    key = forms.key(form.text("form_key", 40), uuid4())
    words = wish_views.words(form.text("words"), forms.LONGEST)
    kept, bad = await wish_views.photo_of(request, form, device)
    return Said(key, words, tidy(form.text("name", 200))[:40], kept, bad)


async def _begin(request: Request, place: Place, said: Said, device: bytes) -> str:
    """Have the conversation and say the first remark; where it is. Raises Refused."""
    house, at = http.house(request), http.now(request)
    who = place.role if place.about == "order" else device.hex()
    which = conversations.identity(place.shop.shop_id, place.about, place.subject, who)
    begun = Begun(
        place.about, place.subject, pages.locale_of(request), role=place.role, name=said.name,
        phone_index=house.keyring.index(place.phone) if place.phone else None,
        phone_sealed=house.keyring.seal(place.phone) if place.phone else None,
    )  # fmt: skip

    async def work(conn: Any) -> Conversation:
        conversation = await talking.begin(
            conn, house.keyring, place.shop.shop_id, which, begun, device, at
        )
        await talking.say(
            conn, conversation, said.key, by_whom="buyer", words=said.words,
            photo=said.kept.file if said.kept else None, whos=[device], at=at,
        )  # fmt: skip
        return conversation

    return talks.address(request, await house.database.transaction(work))


async def show(request: Request) -> Response:
    """GET /c/TOKEN: the thread, or the door of it"""
    talk = await talks.behind(request)
    if talk.conversation.about == "wish":
        return RedirectResponse(talks.address(request, talk.conversation), status_code=303)
    if not talk.own:
        return talks.door(request, talk)
    return await talks.thread(request, talk)


async def piece(request: Request) -> Response:
    """GET /c/TOKEN/thread: the remarks alone, for a page that is open"""
    return await talks.thread(request, await talks.owned(request), fragment="thread")


async def say(request: Request) -> Response:
    """POST /c/TOKEN/remarks (multipart): words, photo, form_key"""
    talk = await talks.owned(request)
    form = await forms.read(request, photos=1)
    said = await _read(request, form, talk.device)
    try:
        http.check_limits(request, "talk", talk.device, http.address(request))
        said.check()
        await _say(request, talk, said)
    except Refused as no:
        typed = SimpleNamespace(**said.typed(http.house(request).keyring))
        return await talks.thread(request, talk, no=no, typed=typed)
    return RedirectResponse(f"{addresses.conversation(talk.token)}#last", status_code=303)


async def _say(request: Request, talk: Talk, said: Said) -> None:
    at, photo = http.now(request), said.kept.file if said.kept else None
    await http.house(request).database.transaction(
        lambda conn: talking.say(
            conn, talk.conversation, said.key, by_whom="buyer", words=said.words, photo=photo,
            whos=[talk.device], at=at,
        )
    )  # fmt: skip


async def live(request: Request) -> Response:
    """GET /c/TOKEN/live: a hint at each change; 503 when too many pages listen"""
    talk = await talks.owned(request)
    return talks.listen(request, talk)


async def photo(request: Request) -> Response:
    """GET /c/TOKEN/photos/N"""
    talk = await talks.owned(request)
    position = http.number(request.path_params["position"])
    return await talks.photo(request, talk, position)


_ONE = "/c/{token}"
ROUTES = [
    Route("/@{slug}/conversation", new, methods=["GET"]),
    Route("/@{slug}/conversation", begin, methods=["POST"]),
    Route("/@{slug}/p/{product_id}/conversation", new, methods=["GET"]),
    Route("/@{slug}/p/{product_id}/conversation", begin, methods=["POST"]),
    Route("/o/{token}/conversation", new, methods=["GET"]),
    Route("/o/{token}/conversation", begin, methods=["POST"]),
    Route(_ONE, show, methods=["GET"]),
    Route(f"{_ONE}/thread", piece, methods=["GET"]),
    Route(f"{_ONE}/remarks", say, methods=["POST"]),
    Route(f"{_ONE}/live", live, methods=["GET"]),
    Route(f"{_ONE}/photos/{{position}}", photo, methods=["GET"]),
    Route(f"{_ONE}/phone", talks.prove_phone, methods=["POST"]),
    Route(f"{_ONE}/code", talks.prove_device, methods=["POST"]),
]
