"""What a shop looks like from the street: its sign, its story, and the address of its page."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.shop import moving, shops, slugs
from littleshop.shop.shops import Face
from littleshop.web import addresses, forms, meanwhile
from littleshop.web.console import frame
from littleshop.web.forms import Form, Kept

SAID = ("name", "line", "story", "seller", "place", "awning")  # as a seller types them
SINCE = ("since_year", "since_month")
FIELDS = {
    "shop_line": "line", "shop_story": "story", "shop_seller": "seller", "shop_place": "place",
    "since": "since", "awning": "awning",
}  # fmt: skip


class Sheet(msgspec.Struct):
    """The form of a shop's face: as typed, what it makes, and the sentences of what is wrong."""

    form: dict[str, Any]
    face: Face
    errors: dict[str, str]


async def shop_page(request: Request) -> Response:
    """GET root/settings/shop"""
    work = await http.at_work(request)
    return await _shop(request, work, Sheet({}, work.shop.face, {}))


async def _shop(request: Request, work: AtWork, sheet: Sheet, status: int = 200) -> Response:
    shop, stands = work.shop, _stands(work)
    form = stands | sheet.form
    opened = (shop.opened_at or shop.created_at).astimezone(ZoneInfo(shop.zone))
    return await frame.page(
        request, work, "settings_shop.html", "today",
        status=status, form=form, errors=sheet.errors, opened_year=opened.year,
        story_length=shops.STORY_LENGTH, address=f"{_host(request)}{shop.slug}",
        showed=meanwhile.mark(stands),
    )  # fmt: skip


def _stands(work: AtWork) -> dict[str, str]:
    """The fields as the shop is now."""
    return {name: str(getattr(work.shop, name) or "") for name in (*SAID, *SINCE)}


def _host(request: Request) -> str:
    """What stands before a slug where people read an address."""
    return http.house(request).settings.public_url.partition("://")[2] + "/@"


async def save_shop(request: Request) -> Response:
    """POST root/settings/shop (multipart): name, line, story, since_year, since_month, seller,
    place, awning, picture, picture_kept; what is not in the form stays as it is"""
    work = await http.at_work(request)
    sheet = await _typed(request, work, await forms.read(request, photos=1))
    if sheet.errors:
        return await _shop(request, work, sheet, status=422)
    await http.house(request).database.transaction(
        lambda conn: shops.describe(conn, work.shop.shop_id, sheet.face)
    )
    return frame.go(request, f"{frame.root(work.shop)}/settings/shop", "shop_saved")


async def _typed(request: Request, work: AtWork, form: Form) -> Sheet:
    """The face with what the form says instead of what was there."""
    stands = _stands(work)
    typed: dict[str, Any]
    typed, moved = meanwhile.merge(
        form, form.typed(*(name for name in (*SAID, *SINCE) if name in form)), stands
    )
    sheet = Sheet(typed, work.shop.face, {})
    for name in moved:
        field = "since" if name in SINCE else name
        sheet.errors[field] = meanwhile.told(request, stands[name])
    said: dict[str, Any] = {name: typed[name] for name in SAID if name in typed}
    said |= await _picture(request, work, form, sheet)
    today = http.now(request).astimezone(ZoneInfo(work.shop.zone)).date()
    try:
        if "since_year" in form:
            year, month = shops.since(typed["since_year"], typed.get("since_month", ""), today)
            said |= {"since_year": year, "since_month": month}
        wanted = msgspec.structs.replace(sheet.face, **said)
        sheet.face = shops.check_face(wanted, work.shop.shop_id)
    except Refused as refused:
        field = next((FIELDS[each] for each in FIELDS if refused.code.startswith(each)), "name")
        sheet.errors[field] = forms.said(request, refused)
    return sheet


async def _picture(request: Request, work: AtWork, form: Form, sheet: Sheet) -> dict[str, str]:
    """The picture chosen now, else the one kept from a refused try; {} leaves the one there is."""
    keyring = http.house(request).keyring
    found = await forms.photos(request, form.files("picture")[:1], work.person.person_id.bytes)
    if found.wrong:
        sheet.errors["picture"] = found.wrong[0]
    before = forms.unseal(keyring, form.text("picture_kept"), Kept)
    kept = found.kept[0] if found.kept else before
    if kept is None:
        return {}
    sheet.form["picture_kept"] = forms.seal(keyring, kept)
    sheet.form["picture_url"] = addresses.photo(kept.file, kept.url_width(360))
    return {"picture": kept.file}


async def address_page(request: Request) -> Response:
    """GET root/settings/address"""
    return await _address(request, await http.at_work(request))


async def _address(
    request: Request, work: AtWork, typed: str | None = None, error: str = "", status: int = 200
) -> Response:
    async with http.house(request).database.connection() as conn:
        current = (await shops.get(conn, work.shop.shop_id)).slug or ""
        used = await slugs.of_shop(conn, work.shop.shop_id)
    former = [each for each in used if each != current]
    return await frame.page(
        request, work, "settings_address.html", "today",
        status=status, host=_host(request), current=current, former=former,
        slug=current if typed is None else typed, error=error,
        left=max(0, moving.MOST - 1 - len(former)),
    )  # fmt: skip


async def save_address(request: Request) -> Response:
    """POST root/settings/address: slug, seen (the address on the page when it was made)"""
    work, form = await http.at_work(request), await forms.read(request)
    house, typed = http.house(request), form.text("slug", 100)
    seen = form.text("seen", 100) or work.shop.slug or ""
    try:
        slug = await moving.move(
            house.database, work.shop.shop_id, typed, seen=seen, at=http.now(request)
        )
    except NotFound:
        raise
    except Refused as refused:
        return await _address(request, work, typed, forms.said(request, refused), status=422)
    there = f"{frame.root(work.shop)}/settings/address"
    return frame.go(request, there, "shop_moved", address=_host(request) + slug)


ROOT = "/console/{shop_id}/settings"
ROUTES = [
    Route(f"{ROOT}/shop", shop_page),
    Route(f"{ROOT}/shop", save_shop, methods=["POST"]),
    Route(f"{ROOT}/address", address_page),
    Route(f"{ROOT}/address", save_address, methods=["POST"]),
]
