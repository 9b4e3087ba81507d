"""What can be set: the shop's face, what sending costs, a pause, and how the seller is told."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n, jobs
from littleshop.entry import opening
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.money import Money
from littleshop.notify import messages, subscriptions
from littleshop.notify.messages import Recipient
from littleshop.notify.push import Push
from littleshop.notify.subscriptions import Subscription
from littleshop.shop import cards, shops, staff
from littleshop.shop.shops import Shop
from littleshop.web import addresses, assets, forms, pages
from littleshop.web.console import frame

FACE = ("name", "line", "seller", "place", "awning")  # the fields of the shop's form
BROWSERS = {
    "fcm.googleapis.com": "chrome",
    "updates.push.services.mozilla.com": "firefox",
    "web.push.apple.com": "safari",
}


class BrowserKeys(msgspec.Struct):
    """The keys of a PushSubscription (W3C Push API), base64url."""

    p256dh: str
    auth: str


class BrowserSubscription(msgspec.Struct):
    """PushSubscription.toJSON() of a browser (W3C Push API)."""

    endpoint: str
    keys: BrowserKeys


async def overview(request: Request) -> Response:
    """GET root/settings"""
    work = await http.at_work(request)
    house, person_id, shop = http.house(request), work.person.person_id, work.shop
    async with house.database.connection() as conn:
        card = await cards.active(conn, shop.shop_id)
        push = await subscriptions.of(conn, shop.shop_id, [person_id])
        runs_it = house.settings.mode == "demo" and work.role == "owner"
        given_up = len(await jobs.held(conn)) if runs_it else None
        known = [
            await shops.get(conn, each.shop_id) for each in await staff.shops_of(conn, person_id)
        ]
        try:
            waits = list((await opening.progress(conn, person_id, shop.shop_id)).waits)
        except NotFound:  # staff: the owner's papers are not theirs to see
            waits = []
    locale = pages.locale_of(request)
    bank = cards.bank(card.bank_code) if card else None
    return await frame.page(
        request,
        work,
        "settings.html",
        "today",
        phone_masked=work.person.masked_phone(house.keyring),
        shipping_line=shipping_line(locale, shop),
        card_line=f"{bank.name(locale)} **** {card.tail}" if card and bank else "",
        waits=waits,
        waits_url=f"{addresses.OPENING}?shop={shop.shop_id}",
        push_on=bool(push.get(person_id)),
        shops=[
            {"name": each.name, "url": frame.root(each), "here": each.shop_id == shop.shop_id}
            for each in known
            if each.status != "opening"
        ],
        held_jobs=given_up,
        held_jobs_url=f"{frame.root(shop)}/held",
    )


def shipping_line(locale: str, shop: Shop) -> str:
    """What sending costs, in one line."""
    if not shop.shipping_flat_minor:
        return i18n.t(locale, "console.shipping.free")
    fee = Money(shop.shipping_flat_minor, shop.currency)
    if shop.shipping_free_over_minor is None:
        return i18n.t(locale, "console.settings.fee_line", fee=fee)
    over = Money(shop.shipping_free_over_minor, shop.currency)
    return i18n.t(locale, "console.settings.fee_line_over", fee=fee, over=over)


async def owner(request: Request) -> AtWork:
    """The owner at work. Raises NotFound for staff: these settings are not theirs."""
    work = await http.at_work(request)
    if work.role != "owner":
        raise NotFound
    return work


async def shop_page(request: Request) -> Response:
    """GET root/settings/shop"""
    work = await owner(request)
    return await _shop(request, work, {}, {})


async def _shop(
    request: Request,
    work: AtWork,
    typed: dict[str, Any],
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    shop = work.shop
    form = {name: getattr(shop, name) for name in FACE} | typed
    host = http.house(request).settings.public_url.partition("://")[2]
    return await frame.page(
        request, work, "settings_shop.html", "today",
        status=status, form=form, errors=errors, address=f"{host}/@{shop.slug}",
    )  # fmt: skip


async def save_shop(request: Request) -> Response:
    """POST root/settings/shop (multipart): name, line, seller, place, awning, picture; what is
    not in the form stays as it is"""
    work = await owner(request)
    form = await forms.read(request, photos=1)
    photos = await forms.photos(request, form.files("picture")[:1], work.person.person_id.bytes)
    errors = {"picture": photos.wrong[0]} if photos.wrong else {}
    shop = work.shop
    typed = form.typed(*(name for name in FACE if name in form))
    picture = {"picture": photos.kept[0].file} if photos.kept else {}
    try:
        face = shops.check_face(
            msgspec.structs.replace(shop.face, **typed, **picture), shop.shop_id
        )
        if not errors:
            await http.house(request).database.transaction(
                lambda conn: shops.describe(conn, shop.shop_id, face)
            )
    except NotFound:
        raise
    except Refused as refused:
        field = "line" if refused.code.startswith("shop_line") else "name"
        errors[field] = forms.said(request, refused)
    if errors:
        return await _shop(request, work, typed, errors, status=422)
    return frame.go(request, f"{frame.root(shop)}/settings/shop", "shop_saved")


async def shipping_page(request: Request) -> Response:
    """GET root/settings/shipping"""
    work = await owner(request)
    shop = work.shop
    fee = forms.shown(shop.shipping_flat_minor, shop.currency) if shop.shipping_flat_minor else ""
    form = {
        "mode": "flat" if shop.shipping_flat_minor else "free",
        "fee": fee,
        "free_over": forms.shown(shop.shipping_free_over_minor, shop.currency),
        "pickup_place": shop.pickup_place or "",
    }
    return await _shipping(request, work, form, {})


async def _shipping(
    request: Request,
    work: AtWork,
    form: dict[str, str],
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    sign = SIGNS.get(work.shop.currency, work.shop.currency)
    return await frame.page(
        request, work, "settings_shipping.html", "today",
        status=status, form=form, errors=errors, sign=sign,
    )  # fmt: skip


async def save_shipping(request: Request) -> Response:
    """POST root/settings/shipping: mode=free|flat, fee, free_over, pickup_place"""
    work = await owner(request)
    form = await forms.read(request)
    names = ("mode", "fee", "free_over", "pickup_place")
    typed, currency = form.typed(*names), work.shop.currency
    errors: dict[str, str] = {}
    flat_minor, free_over_minor = 0, None
    if typed["mode"] == "flat":
        try:
            flat_minor = forms.price(typed["fee"], currency)
        except Refused as refused:
            errors["fee"] = forms.said(request, refused)
        try:
            over = typed["free_over"].strip()
            free_over_minor = forms.price(over, currency) if over else None
        except Refused as refused:
            errors["free_over"] = forms.said(request, refused)
    if not errors:
        try:
            await http.house(request).database.transaction(
                lambda conn: shops.set_shipping(
                    conn, work.shop.shop_id,
                    flat_minor=flat_minor, free_over_minor=free_over_minor,
                    pickup_place=typed["pickup_place"].strip() or None,
                )
            )  # fmt: skip
        except NotFound:
            raise
        except Refused as refused:
            errors["fee"] = forms.said(request, refused)
    if errors:
        return await _shipping(request, work, typed, errors, status=422)
    return frame.go(request, f"{frame.root(work.shop)}/settings", "shipping_saved")


async def pause(request: Request) -> Response:
    """POST root/settings/pause: state=paused|open; what it is already stays so"""
    work = await owner(request)
    form = await forms.read(request)
    wanted = "paused" if form.text("state") == "paused" else "open"
    turn = shops.pause if wanted == "paused" else shops.resume
    await http.house(request).database.transaction(lambda conn: turn(conn, work.shop.shop_id))
    return frame.go(request, f"{frame.root(work.shop)}/settings", f"shop_{wanted}")


def push_of(request: Request) -> Push | None:
    """This installation's identity towards push services; None while the rail is off."""
    state, settings = request.app.state, http.house(request).settings
    rail = settings.rails.get("push")
    if rail is None:
        return None
    if not hasattr(state, "push"):
        state.push = Push(rail, demo=settings.mode == "demo")
    found: Push = state.push
    return found


async def notices(request: Request) -> Response:
    """GET root/settings/notices"""
    work = await http.at_work(request)
    person, push = work.person, push_of(request)
    async with http.house(request).database.connection() as conn:
        mine = await subscriptions.of(conn, work.shop.shop_id, [person.person_id])
    return await frame.page(
        request,
        work,
        "settings_notices.html",
        "today",
        vapid_key=push.public_key if push else "",
        devices=[
            {"id": each.subscription_id, "name": device_name(pages.locale_of(request), each)}
            for each in mine.get(person.person_id, [])
        ],
        sms_phone=person.masked_phone(http.house(request).keyring),
    )


def device_name(locale: str, device: Subscription) -> str:
    """What a browser is called: by the push service it uses, which is all we know of it."""
    host = urlsplit(device.endpoint).hostname or ""
    known = BROWSERS.get(host, "edge" if host.endswith(".notify.windows.com") else "other")
    return i18n.t(locale, f"console.notices.browser.{known}")


async def add_device(request: Request) -> Response:
    """POST root/settings/notices/devices: what the browser's subscribe() gave, as JSON"""
    work = await http.at_work(request)
    push = push_of(request)
    if push is None:
        raise NotFound
    body = await forms.body(request, 8192)
    try:
        told = msgspec.json.decode(body, type=BrowserSubscription)
    except msgspec.DecodeError:
        return Response(status_code=400)
    at, locale = http.now(request), pages.locale_of(request)

    async def write(conn: db.Connection) -> None:
        await subscriptions.add(
            conn,
            work.shop.shop_id,
            work.person.person_id,
            push,
            endpoint=told.endpoint,
            p256dh=told.keys.p256dh,
            auth=told.keys.auth,
            locale=locale,
            at=at,
        )

    try:
        await http.house(request).database.transaction(write)
    except Refused as refused:
        return Response(forms.said(request, refused), status_code=422)
    return Response(status_code=204)


async def remove_device(request: Request) -> Response:
    """POST root/settings/notices/devices/ID/removal; one that is gone already is no fault"""
    work = await http.at_work(request)
    device_id = http.uuid(request.path_params["device_id"])

    async def write(conn: db.Connection) -> None:
        device = await subscriptions.get(conn, work.shop.shop_id, device_id)
        if device is not None and device.person_id == work.person.person_id:
            await subscriptions.remove(conn, work.shop.shop_id, device.endpoint)

    await http.house(request).database.transaction(write)
    return frame.go(request, f"{frame.root(work.shop)}/settings/notices", "device_off")


async def try_notice(request: Request) -> Response:
    """POST root/settings/notices/test: a message to this person's browsers"""
    work = await http.at_work(request)
    person, shop_id, at = work.person, work.shop.shop_id, http.now(request)

    async def write(conn: db.Connection) -> None:
        mine = await subscriptions.of(conn, shop_id, [person.person_id])
        to = Recipient(person.person_id, None, person.locale, tuple(mine.get(person.person_id, ())))
        await messages.send(
            conn,
            shop_id,
            [to],
            about="try",
            subject=uuid4(),
            at=at,
            shop=work.shop.name,
            url=frame.root(work.shop),
        )

    await http.house(request).database.transaction(write)
    return frame.go(request, f"{frame.root(work.shop)}/settings/notices", "notice_tried")


async def worker(request: Request) -> Response:
    """GET /sw.js: the worker that shows notices; it stands at the top, so it serves all pages"""
    script = assets.load("js/sw.js")
    headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
    return Response(script.content, media_type="text/javascript", headers=headers)


ROOT = "/console/{shop_id}/settings"
NOTICES = f"{ROOT}/notices"
ROUTES = [
    Route("/sw.js", worker),
    Route(ROOT, overview),
    Route(f"{ROOT}/shop", shop_page),
    Route(f"{ROOT}/shop", save_shop, methods=["POST"]),
    Route(f"{ROOT}/shipping", shipping_page),
    Route(f"{ROOT}/shipping", save_shipping, methods=["POST"]),
    Route(f"{ROOT}/pause", pause, methods=["POST"]),
    Route(NOTICES, notices),
    Route(f"{NOTICES}/devices", add_device, methods=["POST"]),
    Route(f"{NOTICES}/devices/{{device_id}}/removal", remove_device, methods=["POST"]),
    Route(f"{NOTICES}/test", try_notice, methods=["POST"]),
]
