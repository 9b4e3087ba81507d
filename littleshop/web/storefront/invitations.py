"""An invitation to pay, for who has its link: the letter, the form on which it is taken up, a no.

The link shows. What it does needs a form that is filled in; whose order it became is said only on
the device that ordered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import http, i18n
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.pricing.quotes import Quote
from littleshop.sale import inviting, placing, shipping
from littleshop.sale.placing import Placed, Placing
from littleshop.shop.shops import Shop
from littleshop.trade import conversations, invitations, letters
from littleshop.trade.invitations import Invitation
from littleshop.trade.orders import Delivery
from littleshop.trade.takers import Taker
from littleshop.web import addresses, flash, keepers, letter_views, names, pages
from littleshop.web.storefront import (
    asking,
    cashier,
    checkouts,
    leaving,
    letter_links,
    prefilling,
    talks,
    views,
)
from littleshop.web.storefront.checkouts import read_form
from littleshop.web.storefront.letter_links import Open
from littleshop.web.storefront.visitors import is_person, remember, works_here

SAID = "letters.said."


async def show(request: Request) -> Response:
    """GET /i/TOKEN: the letter"""
    found = await letter_links.behind(request)
    await _note_seen(request, found)
    return await _letter(request, found)


async def _note_seen(request: Request, found: Open) -> None:
    """The first person who looks, and is neither the shop's own nor a robot, has seen it."""
    if found.row.seen_at is not None or not is_person(request):
        return
    if await works_here(request, found.shop.shop_id):
        return
    await http.house(request).database.transaction(
        lambda conn: invitations.see(
            conn, found.shop.shop_id, found.row.invitation_id, http.now(request)
        )
    )


async def _letter(request: Request, found: Open, status: int = 200) -> Response:
    """The letter as it stands now."""
    locale, now, shop = pages.locale_of(request), http.now(request), found.shop
    state, own, row = await letter_links.state(request, found), found.own, found.row
    said, _ = flash.heard(request, SAID)
    face = views.shop(shop)
    it = letter_views.sheet(locale, shop, face, row, found.lines, state, now)
    is_open = state == "open"
    answer = pages.page(
        request,
        "storefront/letter.html",
        status=status,
        private=True,
        shop=face,
        it=it,
        token=found.token,
        state=state,
        what_next=_what_next(locale, found, state),
        order_url=_order_url(request, shop, own),
        amount=own.total if own else it.total,
        till=row.expires_at,
        left=row.left if row.uses > 1 else None,
        held=row.holding,
        way=row.way,
        within=_ships_within(row),
        now=now,
        zone=ZoneInfo(shop.zone),
        may=SimpleNamespace(
            decline=is_open and row.uses == 1 and row.refused_at is None,
            ask=_question(found) if is_open else None,
            other=f"{addresses.invitation_part(found.token, 'checkout')}?payer=1"
            if is_open
            else None,
        ),
        said=said,
        thread=await _thread(request, found),
        open_url=addresses.opening(shop.slug),
    )
    flash.forget(request, answer)
    return answer


def _ships_within(row: Invitation) -> timedelta:
    return shipping.SHIP_BY if row.ship_days is None else timedelta(days=row.ship_days)


def _question(found: Open) -> str:
    """Where the seller is asked something about this letter."""
    return f"{addresses.wishes(found.shop.slug or '')}?about={found.token}"


async def _thread(request: Request, found: Open) -> str | None:
    """Where it is talked over that this answers: for the device that asked and the shop's own;
    whoever was sent the letter on has not read it.
    """
    row, house = found.row, http.house(request)
    if row.wish_id is None:
        return None
    async with house.database.connection() as conn:
        talk = await conversations.get(conn, row.shop_id, row.wish_id)
        own = await conversations.is_own(conn, row.shop_id, row.wish_id, http.device(request))
    if not own and not await works_here(request, found.shop.shop_id):
        return None
    return talks.address(request, talk)


def _order_url(request: Request, shop: Shop, own: Taker | None) -> str | None:
    if own is None:
        return None
    keyring = http.house(request).keyring
    return addresses.order(placing.link(keyring, shop.shop_id, own.order_id))


def _what_next(locale: str, found: Open, state: str) -> str:
    seller = found.shop.seller or found.shop.name
    if state == "open":
        return ""
    last = ".last" if state == "asked" and found.row.status == "cancelled" else ""
    return i18n.t(locale, f"letters.next.{state}{last}", seller=seller)


async def form(request: Request) -> Response:
    """GET /i/TOKEN/checkout: phone, address, how to pay; this device finds its own filled in"""
    found = await letter_links.behind(request)
    if await letter_links.state(request, found) != "open":
        return RedirectResponse(addresses.invitation(found.token), status_code=303)
    known = dict(await prefilling.on_this_device(request, found.shop))
    if _asks(request):
        known["from_name"] = found.row.to_name[: letters.LONGEST_NAME]
    return await _form(request, found, known, {})


def _asks(request: Request) -> bool:
    """Whether this is the form of who said already that somebody else pays."""
    return "payer" in request.query_params


def _here(request: Request, found: Open) -> str:
    address = addresses.invitation_part(found.token, "checkout")
    return f"{address}?payer=1" if _asks(request) else address


def _way(found: Open, form: Mapping[str, str]) -> str:
    return inviting.way_of(found.row, checkouts.way_of(form, found.shop))


async def _form(
    request: Request,
    found: Open,
    form: Mapping[str, str],
    wrong: Mapping[str, Refused],
    *,
    fragment: str | None = None,
) -> Response:
    """The form with what was typed, each refusal of `wrong` said at its field."""
    house, locale, shop = http.house(request), pages.locale_of(request), found.shop
    way = _way(found, form)
    quote, wrong = await _quoted(house, found, form, wrong)
    offered = await cashier.offered(request, shop)
    told = placing.said(quote, waits=False)
    methods = cashier.methods(request, offered, form.get("method", ""))
    return pages.page(
        request,
        "storefront/checkout.html",
        status=409 if wrong and fragment is None else 200,
        private=True,
        fragment=fragment,
        form_targets=views.rail_origins(house),
        shop=views.shop(shop),
        action=_here(request, found),
        pays_himself=addresses.invitation_part(found.token, "checkout"),
        back=addresses.invitation(found.token),
        nothing_sent=way == "none",
        items=checkouts.shown_items(quote),
        form=SimpleNamespace(**{name: form.get(name, "") for name in checkouts.FIELDS}),
        problems=checkouts.problems(request, wrong),
        provinces=views.provinces(locale),
        deliveries=_deliveries(request, found, quote, way),
        methods=methods,
        method=next((method for method in methods if method.chosen), None),
        lines=_receipt(locale, quote, way),
        total=quote.total,
        depends=quote.depends,
        said=checkouts.said_text(told),
        asks_tick=checkouts.asks_tick(told),
        ticked=form.get("no_return_seen") == "yes",
        key=form.get("key") or checkouts.fresh_key(),
        items_text="",
        team="",
        cart_id="",
        out=leaving.out(request, _link(request, found)),
        registering=False,
        keeper=keepers.of_rails(house.settings.escrow, [each.gateway for each in offered]),
        asking=asking.by_letter_shown(form, first=_asks(request)),
    )


async def _quoted(
    house: http.House, found: Open, form: Mapping[str, str], wrong: Mapping[str, Refused]
) -> tuple[Quote, Mapping[str, Refused]]:
    """What it comes to where the form says; to where nothing is sent that is wrong with it."""
    way, to = _way(found, form), checkouts.region_of(form)
    async with house.database.connection() as conn:
        try:
            return await inviting.quote(conn, found.row, way, to), wrong
        except Refused as no:
            if no.code != "not_delivered":
                raise
            return await inviting.quote(conn, found.row, way), {**wrong, "province": no}


def _link(request: Request, found: Open) -> str:
    """The form's whole address, for another browser."""
    public = names.public_url(request, stay=True)
    return public + _here(request, found)


def _deliveries(request: Request, found: Open, quote: Quote, way: str) -> list[Any]:
    if way == "none":
        return []
    known = checkouts.deliveries(
        pages.locale_of(request), found.shop, quote, way, http.now(request)
    )
    if found.row.ship_days is not None:  # a promise of its own: no day is named
        locale, days = pages.locale_of(request), found.row.ship_days
        for each in known:
            if each.code == "courier":
                each.promise = i18n.t(locale, "letters.ships_within", count=days)
    return known


def _receipt(locale: str, quote: Quote, way: str) -> list[SimpleNamespace]:
    """A line for the things and one for the postage, where something is sent."""
    pieces = sum(line.quantity for line in quote.lines if line.kind == "goods")
    rows = [(i18n.t(locale, "storefront.basket.lines", count=pieces), quote.goods)]
    if way != "none":
        rows.append((i18n.t(locale, "letters.postage"), quote.shipping))
    return [
        SimpleNamespace(label=label, amount=amount, reason=None, good=False)
        for label, amount in rows
    ]


async def accept(request: Request) -> Response:
    """POST /i/TOKEN/checkout: take it up and go to pay, or one of the form's smaller buttons"""
    found, form = await letter_links.behind(request), await read_form(request)
    if form.get("then") in ("split", "quote"):
        return await _recounted(request, found, form)
    way = _way(found, form)
    form = asking.named_once(form, way)
    delivery, wrong = checkouts.delivery_of(form, way)
    wrong |= checkouts.unseen(form) | asking.unsigned(form)
    if not asking.kind_of(form):
        wrong |= await cashier.stopped(request, found.shop, form.get("method", ""))
    if delivery is None or wrong:
        return await _form(request, found, form, wrong)
    try:
        return await _pay(request, found, form, delivery, way)
    except Refused as no:
        return await _refused(request, found, form, no)


async def _pay(
    request: Request, found: Open, form: Mapping[str, str], delivery: Delivery, way: str
) -> Response:
    """Place the order and go to pay it."""
    token, device = http.make_device(request)
    placed = await _accept(request, found, form, delivery, way, device)
    if asking.kind_of(form):
        to = RedirectResponse(addresses.order(placed.token), status_code=303)
        return remember(request, to, token)
    answer = await cashier.begin(request, found.shop, placed, form.get("method", ""))
    return remember(request, answer, token)


async def _recounted(request: Request, found: Open, form: Mapping[str, str]) -> Response:
    form, piece = checkouts.recounted(request, form)
    return await _form(request, found, form, {}, fragment=piece)


async def _accept(
    request: Request,
    found: Open,
    form: Mapping[str, str],
    delivery: Delivery,
    way: str,
    device: bytes,
) -> Placed:
    """Raises Refused: too_many, cart_empty, and as inviting.accept; Conflict."""
    house, at = http.house(request), http.now(request)
    checkouts.count(request, delivery, device)
    if await cashier.waits(request, found.shop):
        raise Refused("not_admitted")
    wish = Placing(
        shop_id=found.shop.shop_id,
        items=(),
        way=way,
        delivery=delivery,
        total_seen=Money(checkouts.total_of(form), found.row.currency),
        key=checkouts.key_of(form),
        device=device,
        address=http.address(request),
        locale=pages.locale_of(request),
        note=checkouts.plain(form.get("note", "")),
        said=checkouts.said_of(form),
    )
    if asking.kind_of(form) == "pay_for_me":
        return await asking.by_letter(request, found.row, form, wish)
    return await house.database.transaction(
        lambda conn: inviting.accept(conn, house.keyring, found.row.invitation_id, wish, at)
    )


async def _refused(request: Request, found: Open, form: Mapping[str, str], no: Refused) -> Response:
    """Say why nothing was placed, where the person can go on from."""
    if no.code in ("too_many", "form_too_large"):
        raise no
    found = await letter_links.behind(request)
    if await letter_links.state(request, found) != "open":
        return await _letter(request, found, 409)  # which says why, and what to do next
    if no.code == "terms_changed":  # what was ticked before stood beside other words
        form = {name: value for name, value in form.items() if name != "no_return_seen"}
    return await _form(request, found, form, {"form": no})


async def refuse(request: Request) -> Response:
    """POST /i/TOKEN/refusal: not this time; the seller sees it, and one may change one's mind"""
    found, at = await letter_links.behind(request), http.now(request)
    await http.house(request).database.transaction(
        lambda conn: inviting.refuse(conn, found.shop.shop_id, found.row.invitation_id, at)
    )
    to = addresses.invitation(found.token)
    return flash.go(request, to, f"{SAID}refused", seller=found.shop.seller or found.shop.name)


ROUTES = [
    Route("/i/{token}", show, methods=["GET"]),
    Route("/i/{token}/checkout", form, methods=["GET"]),
    Route("/i/{token}/checkout", accept, methods=["POST"]),
    Route("/i/{token}/refusal", refuse, methods=["POST"]),
]
