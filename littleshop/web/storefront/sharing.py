"""The share sheet of a shop or a product, and the ways that lead on from it.

Every way has a share of its own, made when it is gone: `.../shares/weibo` makes one and sends the
person on to the share page of Weibo, so that no script is needed. A robot is given none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from littleshop import clock, db, http, i18n
from littleshop.errors import NotFound, Refused
from littleshop.social import descents, outlets, passcodes, shares
from littleshop.social.outlets import OUTLETS, Outlet
from littleshop.social.passcodes import Passcode
from littleshop.social.shares import Share
from littleshop.web import addresses, assets, containers, forms, jssdk, names, pages, touches
from littleshop.web.storefront import earning, subjects, views
from littleshop.web.storefront.subjects import Subject
from littleshop.web.storefront.visitors import agent, container, only_ahead, remember

SITE = "littleshop"
DESC_COLUMNS = 80


class Sharer(NamedTuple):
    """Who shares what: the subject, his device and the token that a new one gets."""

    subject: Subject
    device: bytes
    token: str | None


async def begin(request: Request) -> Sharer | Response:
    """Who shares here; a robot is sent to the page itself. Raises NotFound, Refused too_many."""
    subject = await subjects.here(request)
    if containers.is_robot(agent(request)) or only_ahead(request):
        return RedirectResponse(subject.address, status_code=303)
    token, device = http.make_device(request)
    http.check_limits(request, "share", device, http.address(request))
    return Sharer(subject, device, token)


async def links(request: Request, sharer: Sharer, *channels: str) -> dict[str, str]:
    """The whole addresses of this device's shares by channel. Inside WeChat they are of the name
    the page has: a card leads nowhere else."""
    stay = container(request) == "wechat"
    return {
        channel: names.public_url(request, code, stay=stay) + addresses.share(code)
        for channel, code in (await codes(request, sharer, channels)).items()
    }


async def codes(request: Request, sharer: Sharer, channels: Sequence[str]) -> dict[str, str]:
    """The codes of this device's shares by channel."""
    at, subject, came_by = http.now(request), sharer.subject, _came_by(request, sharer)

    async def work(conn: db.Connection) -> dict[str, str]:
        made = await shares.make_several(
            conn,
            subject.shop.shop_id,
            channels,
            product_id=subject.product_id,
            device=sharer.device,
            at=at,
        )
        found = {channel: share.code for channel, share in made.items()}
        if came_by is not None:
            await descents.note(conn, subject.shop.shop_id, [*found.values()], came_by, at)
        return found

    return await http.house(request).database.transaction(work)


def _came_by(request: Request, sharer: Sharer) -> str | None:
    """The share or entrance by which the sharer himself had come."""
    cookies = request.headers.get("cookie", "")
    touched = touches.last(cookies, sharer.subject.shop.shop_id)
    return touched.code if touched else None


def picture(request: Request, subject: Subject) -> str:
    """The whole address of the picture on the card of its links."""
    if not subject.photo:
        return names.origin(request) + assets.static("manifest/icon-512.png")
    return names.origin(request) + addresses.card(subject.photo)


def told(request: Request, subject: Subject) -> str:
    """The words that go with a link."""
    locale, key = pages.locale_of(request), "sharing.text"
    if subject.product is None:
        return i18n.t(locale, "sharing.text_shop", shop=subject.name)
    if subject.price is None or subject.sold_out:
        return i18n.t(locale, "sharing.text_plain", name=subject.title, shop=subject.shop.name)
    price = str(i18n.money(locale, subject.price))
    return i18n.t(locale, key, name=subject.title, shop=subject.shop.name, price=price)


async def sheet(request: Request) -> Response:
    """GET .../shares: the sheet. Asking twice on one device finds the same shares."""
    sharer = await begin(request)
    if isinstance(sharer, Response):
        return shown(request, await subjects.here(request), "share", robot=True)
    found = await links(request, sharer, "link", "qr", "system", *outlets.WECHAT)
    wx = await jssdk.card(request, _card(request, sharer.subject, found), found["wechat_moments"])
    fragment = "sheet" if request.headers.get("hx-request") else None
    earn = await earning.told(request, sharer.subject, sharer.device)
    answer = shown(request, sharer.subject, "share", fragment, links=found, wx=wx, earn=earn)
    return remember(request, answer, sharer.token)


def _card(request: Request, subject: Subject, found: dict[str, str]) -> dict[str, str]:
    """A friend's card inside WeChat."""
    return {
        "title": subject.title,
        "desc": outlets.cut(subject.shop.line or subject.shop.name, DESC_COLUMNS),
        "link": found["wechat_friend"],
        "imgUrl": picture(request, subject),
    }


def shown(
    request: Request,
    subject: Subject,
    template: str,
    fragment: str | None = None,
    *,
    robot: bool = False,
    wx: dict[str, Any] | None = None,
    **more: Any,
) -> Response:
    """A page of the kit, with what all of them show."""
    locale, here = pages.locale_of(request), container(request)
    plain = names.origin(request) + subject.address
    found: dict[str, str] = more.pop("links", {"link": plain, "qr": plain, "system": plain})
    first, rest = outlets.arranged(here, locale)
    return pages.page(
        request,
        f"storefront/{template}.html",
        fragment=fragment,
        private=True,
        scripts=jssdk.script_origins(wx),
        shop=views.shop(subject.shop, locale),
        subject=subject,
        first=() if robot else first,
        rest=() if robot else rest,
        robot=robot,
        inside=here,
        links=found,
        text=told(request, subject),
        qr=views.qr(found.get("qr", plain)),
        wx=wx,
        **more,
    )


async def make(request: Request) -> Response:
    """POST on a sheet shows the sheet, which holds the shares."""
    subject = await subjects.here(request)
    to = addresses.shares(subject.shop.slug or "", subject.product_id)
    return RedirectResponse(to, status_code=303)


async def send(request: Request) -> Response:
    """GET .../shares/{outlet}: on to the outlet's share page; to WeChat, how it is done."""
    outlet = OUTLETS.get(request.path_params["outlet"])
    if outlet is None:
        raise NotFound("outlet")
    if outlet.closed_on is not None:
        return shown(request, await subjects.here(request), "share_closed", outlet=outlet)
    sharer = await begin(request)
    if isinstance(sharer, Response):
        return sharer
    if not outlet.page:
        return remember(request, await _shown_how(request, sharer, outlet), sharer.token)
    found = await links(request, sharer, outlet.channel)
    return remember(request, _onward(request, sharer, outlet, found), sharer.token)


def _onward(request: Request, sharer: Sharer, outlet: Outlet, found: dict[str, str]) -> Response:
    subject = sharer.subject
    words = {
        "url": found[outlet.channel],
        "title": subject.title,
        "text": told(request, subject),
        "picture": picture(request, subject),
        "site": SITE,
    }
    headers = {"cache-control": "no-store", "x-robots-tag": "noindex, nofollow"}
    return RedirectResponse(outlet.address(words), status_code=303, headers=headers)


async def _shown_how(request: Request, sharer: Sharer, outlet: Outlet) -> Response:
    """Where "···" is; inside WeChat the card is set on this very page, so whoever is elsewhere and
    has to open something there opens this."""
    found = await links(request, sharer, *outlets.WECHAT)
    slug, thing = sharer.subject.shop.slug or "", sharer.subject.product_id
    this = names.public_url(request, stay=True) + addresses.share_by(slug, thing, outlet.name)
    to_friend = outlet.name == outlets.WECHAT[0]
    found |= {"qr": this, "link": found[outlet.channel] if to_friend else this}
    wx = await jssdk.card(request, _card(request, sharer.subject, found), found["wechat_moments"])
    return shown(request, sharer.subject, "share_wechat", links=found, wx=wx, outlet=outlet)


async def passcode(request: Request) -> Response:
    """GET .../shares/passcode: eight signs to say or paste."""
    sharer = await begin(request)
    if isinstance(sharer, Response):
        return sharer
    code = (await codes(request, sharer, ["passcode"]))["passcode"]
    house, at = http.house(request), http.now(request)
    made = await house.database.transaction(
        lambda conn: passcodes.make(conn, house.keyring, code, at)
    )
    return remember(request, _said(request, sharer.subject, made), sharer.token)


def _said(request: Request, subject: Subject, made: Passcode) -> Response:
    """A pass-code, where it is typed, and until when."""
    public = names.public_url(request, made.share_code).partition("://")[2]
    return shown(
        request,
        subject,
        "share_passcode",
        passcode=passcodes.spaced(made.passcode),
        where=public + addresses.passcode(),
        until=clock.local_day(made.expires_at, subject.shop.zone),
        today=clock.local_day(http.now(request), subject.shop.zone),
    )


async def personal(request: Request) -> Response:
    """GET .../shares/personal[?made=CODE]: a link for one friend, and the one just made."""
    subject = await subjects.here(request)
    code, device = request.query_params.get("made", ""), http.device(request)
    async with http.house(request).database.connection() as conn:
        share = await shares.find(conn, subject.shop.shop_id, code) if code else None
    if share is None or share.expires_at is None or share.device != device:
        return _personal(request, subject)
    return _befriended(request, subject, share, share.expires_at)


def _befriended(request: Request, subject: Subject, made: Share, until: datetime) -> Response:
    whole = names.share(request, made.code)
    return shown(
        request,
        subject,
        "share_personal",
        links={"link": whole, "qr": whole, "system": whole},
        made=made,
        until=clock.local_day(until, subject.shop.zone),
        today=clock.local_day(http.now(request), subject.shop.zone),
        days="",
        typed={},
        errors={},
    )


def _personal(
    request: Request,
    subject: Subject,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    days = i18n.within(pages.locale_of(request), shares.PERSONAL_LIFE)
    answer = shown(
        request,
        subject,
        "share_personal",
        made=None,
        until=None,
        today=None,
        days=days,
        typed=typed or {},
        errors=errors or {},
    )
    answer.status_code = 422 if errors else 200
    return answer


async def make_personal(request: Request) -> Response:
    """POST .../shares/personal: friend, sender ("" greets nobody)."""
    form = await forms.read(request)
    sharer = await begin(request)
    if isinstance(sharer, Response):
        return sharer
    typed = form.typed("friend", "sender")
    try:
        share = await _befriend(request, sharer, **typed)
    except Refused as no:
        field = "sender" if no.code.startswith("sender") else "friend"
        return _personal(request, sharer.subject, typed, {field: forms.said(request, no)})
    slug, thing = sharer.subject.shop.slug or "", sharer.subject.product_id
    to = f"{addresses.share_by(slug, thing, shares.PERSONAL)}?made={share.code}"
    return remember(request, RedirectResponse(to, status_code=303), sharer.token)


async def _befriend(request: Request, sharer: Sharer, friend: str, sender: str) -> Share:
    at, shop_id = http.now(request), sharer.subject.shop.shop_id
    came_by = _came_by(request, sharer)

    async def work(conn: db.Connection) -> Share:
        share = await shares.make_personal(
            conn,
            shop_id,
            product_id=sharer.subject.product_id,
            friend=friend,
            sender=sender,
            device=sharer.device,
            at=at,
        )
        if came_by is not None:
            await descents.note(conn, shop_id, [share.code], came_by, at)
        return share

    return await http.house(request).database.transaction(work)


def _routes(root: str) -> list[Route]:
    return [
        Route(f"{root}/shares", sheet, methods=["GET"]),
        Route(f"{root}/shares", make, methods=["POST"]),
        Route(f"{root}/shares/passcode", passcode, methods=["GET"]),
        Route(f"{root}/shares/personal", personal, methods=["GET"]),
        Route(f"{root}/shares/personal", make_personal, methods=["POST"]),
        Route(f"{root}/shares/{{outlet}}", send, methods=["GET"]),
    ]


ROUTES = [*_routes("/@{slug}"), *_routes("/@{slug}/p/{product_id}")]
