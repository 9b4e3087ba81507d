"""How a seller is told: the browsers that ring, tried and taken away."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.notify import messages, subscriptions, ways
from littleshop.notify.messages import Recipient
from littleshop.notify.push import Push
from littleshop.notify.subscriptions import Subscription
from littleshop.web import assets, forms, listening, pages
from littleshop.web.console import frame, reached
from littleshop.web.listening import BrowserSubscription, push_of

BROWSERS = {
    "fcm.googleapis.com": "chrome",
    "updates.push.services.mozilla.com": "firefox",
    "web.push.apple.com": "safari",
}


async def notices(request: Request) -> Response:
    """GET root/settings/notices"""
    work = await http.at_work(request)
    push, locale = push_of(request), pages.locale_of(request)
    return await frame.page(
        request, work, "settings_notices.html", "today",
        vapid_key=push.public_key if push else "",
        devices=[
            {"id": each.subscription_id, "name": device_name(locale, each)}
            for each in await _mine(request, work)
        ],
        sms_phone=work.person.masked_phone(http.house(request).keyring),
        is_owner=work.role == "owner", **await reached.told(request, work),
    )  # fmt: skip


async def _mine(request: Request, work: AtWork) -> list[Subscription]:
    person_id = work.person.person_id
    async with http.house(request).database.connection() as conn:
        found = await subscriptions.of(conn, work.shop.shop_id, [person_id])
    return found.get(person_id, [])


def device_name(locale: str, device: Subscription) -> str:
    """What a browser is called: by the push service it uses, which is all we know of it."""
    host = urlsplit(device.endpoint).hostname or ""
    known = BROWSERS.get(host, "edge" if host.endswith(".notify.windows.com") else "other")
    return i18n.t(locale, f"console.notices.browser.{known}")


async def add_device(request: Request) -> Response:
    """POST root/settings/notices/devices: what the browser's subscribe() gave, as JSON"""
    work, push = await http.at_work(request), push_of(request)
    if push is None:
        raise NotFound
    body = await forms.body(request, 8192)
    try:
        told = msgspec.json.decode(body, type=BrowserSubscription)
        await _subscribe(request, work, push, told)
    except msgspec.DecodeError:
        return Response(status_code=400)
    except Refused as refused:
        return Response(forms.said(request, refused), status_code=422)
    return Response(status_code=204)


async def _subscribe(request: Request, work: AtWork, push: Push, told: BrowserSubscription) -> None:
    at, locale = http.now(request), pages.locale_of(request)
    await http.house(request).database.transaction(
        lambda conn: listening.add(
            conn, work.shop.shop_id, work.person.person_id, push, told, locale=locale, at=at
        )
    )


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
    """POST root/settings/notices/test: a message by every way that costs nothing"""
    work, at = await http.at_work(request), http.now(request)
    root = frame.root(work.shop)
    to = await _everywhere(request, work)
    await http.house(request).database.transaction(
        lambda conn: messages.send(
            conn, work.shop.shop_id, [to],
            about="try", subject=uuid4(), at=at, shop=work.shop.name, url=root,
        )
    )  # fmt: skip
    return frame.go(request, f"{root}/settings/notices", "notice_tried")


async def _everywhere(request: Request, work: AtWork) -> Recipient:
    """This person by every way that costs nothing: browsers, WeChat, mail."""
    person = work.person
    async with http.house(request).database.connection() as conn:
        known = await ways.of(conn, work.shop.shop_id, person.person_id)
    return Recipient(
        person.person_id, None, person.locale, tuple(await _mine(request, work)),
        wechat=known.openid_sealed if known.wechat else None,
        email=known.email_sealed if known.email and known.email_ok_at else None,
    )  # fmt: skip


async def worker(request: Request) -> Response:
    """GET /sw.js: the worker that shows notices; it stands at the top, so it serves all pages"""
    script = assets.load("js/sw.js")
    headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
    return Response(script.content, media_type="text/javascript", headers=headers)


ROOT = "/console/{shop_id}/settings/notices"
ROUTES = [
    Route("/sw.js", worker),
    Route(ROOT, notices),
    Route(f"{ROOT}/devices", add_device, methods=["POST"]),
    Route(f"{ROOT}/devices/{{device_id}}/removal", remove_device, methods=["POST"]),
    Route(f"{ROOT}/test", try_notice, methods=["POST"]),
    *reached.ROUTES,
]
