"""How far the institutions are with admitting the seller (psp_escrow), and what he is to do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.entry import admitting, opening
from littleshop.http import AtWork
from littleshop.shop import admissions
from littleshop.shop.admissions import Admission
from littleshop.trade import order_lists
from littleshop.web import addresses, forms, pages, registration
from littleshop.web.console import frame, id_card


async def page(request: Request) -> Response:
    """GET root/admission"""
    return await _page(request, await http.at_work(request), {})


async def _page(request: Request, work: AtWork, wrong: dict[str, str]) -> Response:
    """How far it is; with what is `wrong` with photos, their form again and why."""
    back = _way_back(request)
    async with http.house(request).database.connection() as conn:
        told = await _told(conn, work, pages.locale_of(request), back)
        told |= await id_card.asked(request, conn, work, wrong)
    if told["photos"] == "missing" and told["state"] in ("missing", "asked", "signing"):
        told["state"] = "photos"
    status = 422 if wrong else 200
    return await frame.page(request, work, "admission.html", "today", status=status, **told)


def _way_back(request: Request) -> str:
    """What tells the sandbox's signing page where its reader came from; a real one is not asked to
    know it, and its address is left as it is."""
    if http.house(request).settings.mode != "demo":
        return ""
    here = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
    return "?" + urlencode({"back": here})


async def _told(conn: db.Connection, work: AtWork, locale: str, back: str) -> dict[str, Any]:
    """The context of admission.html without its frame."""
    shop_id, owner = work.shop.shop_id, work.role == "owner"
    found = await admissions.of_shop(conn, shop_id)
    latest = registration.latest(found)
    admitted = [each.gateway for each in latest if each.status == "admitted"]
    partly = admitted and any(each.gateway not in admitted for each in latest)
    names = [i18n.t(locale, f"checkout.method.{each}") for each in dict.fromkeys(admitted)]
    return {
        "state": "partly" if partly else registration.standing(found),
        "names": i18n.t(locale, "words.dot").join(names),
        "rows": [_row(locale, each, back) for each in latest],
        "duties": await order_lists.duties(conn, shop_id),
        "waits": list(await opening.waits(conn, work.person.person_id, shop_id)),
        "waits_url": f"{addresses.OPENING}?shop={shop_id}",
        "card_url": f"{frame.root(work.shop)}/card" if owner else "",
    }


def _row(locale: str, each: Admission, back: str) -> dict[str, Any]:
    signing = each.status == "signing" and each.sign_url
    drawn = segno.make(each.sign_url, error="m") if signing and each.sign_url else None
    return {
        "name": i18n.t(locale, f"checkout.method.{each.gateway}"),
        "gateway": each.gateway,
        "state": each.stands,
        "asked_at": each.asked_at,
        "admitted_at": each.admitted_at,
        "merchant_id": each.merchant_id,
        "sign_url": f"{each.sign_url}{back}" if signing else "",
        "qr_svg": drawn.svg_inline(border=0, omitsize=True) if drawn else "",
        "said": each.said,
    }


async def again(request: Request) -> Response:
    """POST root/admission: the owner wants to be asked for once more where he was refused."""
    work, house = await frame.owner(request), http.house(request)
    at, shop_id = http.now(request), work.shop.shop_id

    async def act(conn: db.Connection) -> None:
        found = registration.latest(await admissions.of_shop(conn, shop_id))
        refused = [each.gateway for each in found if each.status == "refused"]
        await admitting.again(conn, shop_id, refused, at)

    await house.database.transaction(act)
    return frame.go(request, f"{frame.root(work.shop)}/admission", "admission_asked")


async def look(request: Request) -> Response:
    """POST root/admission/look: the owner has signed, or wants to know now."""
    work, at = await frame.owner(request), http.now(request)
    await http.house(request).database.transaction(
        lambda conn: admitting.look(conn, work.shop.shop_id, at)
    )
    return frame.go(request, f"{frame.root(work.shop)}/admission", "admission_looked")


async def photos(request: Request) -> Response:
    """POST root/admission/photos: both sides of the owner's id card, where they are wanted."""
    work, here = await frame.owner(request), "admission"
    async with http.house(request).database.connection() as conn:
        fit = await registration.id_photos(conn, http.house(request), work.shop.shop_id)
    if not fit:
        return frame.go(request, f"{frame.root(work.shop)}/{here}")
    form = await forms.read(request, photos=2)
    given = await id_card.take(request, form, work)
    if given.wrong:
        return await _page(request, work, given.wrong)
    await id_card.keep(request, form, work, given)
    return frame.go(request, f"{frame.root(work.shop)}/{here}", "id_photos_kept")


ROUTES = [
    Route("/console/{shop_id}/admission", page),
    Route("/console/{shop_id}/admission/photos", photos, methods=["POST"]),
    Route("/console/{shop_id}/admission/look", look, methods=["POST"]),
    Route("/console/{shop_id}/admission", again, methods=["POST"]),
]
