"""Coupons in the console: making one, pausing it, its code and link, its uses and its cost."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.customers import coupons, privileges
from littleshop.customers.coupons import Draft, Used
from littleshop.customers.privileges import Below
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.shop import shop_acts
from littleshop.shop.shops import tidy
from littleshop.social import credits, entrances, shares
from littleshop.web import addresses, forms, names, pages
from littleshop.web.console import frame
from littleshop.web.console import privileges as giving
from littleshop.web.forms import Form

FIELDS = ("code", "label", "kind", "off", "least", "most", "each", "channel", "from", "until")
MOST_SHARES = 200  # a list to choose from has an end
_FIELD_OF = {
    "coupon_channel": "channel",
    "coupon_code": "code",
    "coupon_taken": "code",
    "coupon_label": "label",
    "coupon_off": "off",
    "coupon_least": "least",
    "coupon_uses": "most",
    "coupon_until": "until",
    "privilege_day": "from",
    "privilege_off": "off",
}


async def listed(request: Request) -> Response:
    """GET root/coupons"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        rows = await coupons.listing(conn, work.shop.shop_id)
    return await frame.page(
        request, work, "coupons.html", "people", rows=[_row(request, work, each) for each in rows]
    )


def _row(request: Request, work: AtWork, each: Used) -> dict[str, Any]:
    locale, shop = pages.locale_of(request), work.shop
    over = each.until_at is not None and each.until_at <= http.now(request)
    used_up = each.most_uses is not None and each.uses >= each.most_uses
    return {
        "label": each.label,
        "code": each.code,
        "what": i18n.t(
            locale,
            f"privileges.coupon.is.{each.kind}",
            amount=Money(each.off_minor or 0, shop.currency),
            percent=f"{(each.off_bps or 0) / 100:g}%",
        ),
        "least": Money(each.least_minor, shop.currency) if each.least_minor else None,
        "until": each.until_at.astimezone(ZoneInfo(shop.zone)).date() if each.until_at else None,
        "most": each.most_uses,
        "each": each.each_uses,
        "channel": each.channel or "",
        "uses": each.uses,
        "cost": Money(each.cost_minor, shop.currency),
        "sold": Money(each.sold_minor, shop.currency),
        "state": "over" if over else "gone" if used_up else "paused" if each.paused else "runs",
        "below_cost": each.below_cost,
        "url": f"{frame.root(shop)}/coupons/{each.coupon_id}",
    }


async def _channels(request: Request, work: AtWork) -> list[dict[str, str]]:
    """The entrances and named shares that a coupon can be kept to."""
    shop_id = work.shop.shop_id
    async with http.house(request).database.connection() as conn:
        doors = await entrances.of_shop(conn, shop_id)
        links = [each for each in await shares.named(conn, shop_id) if each.label]
    locale = pages.locale_of(request)
    named = [("entrance", each.code, each.name) for each in doors]
    named += [("share", each.code, each.label) for each in links[:MOST_SHARES]]
    return [
        {"code": code, "name": i18n.t(locale, f"privileges.coupons.from_{kind}", name=name)}
        for kind, code, name in named
    ]


async def new(request: Request) -> Response:
    """GET root/coupons/new"""
    work = await http.at_work(request)
    return await _form(request, work, {"kind": "fixed", "each": "1"}, {})


async def _form(
    request: Request,
    work: AtWork,
    typed: dict[str, str],
    errors: dict[str, str],
    below: list[Below] | None = None,
) -> Response:
    return await frame.page(
        request,
        work,
        "coupon_new.html",
        "people",
        status=422 if errors or below else 200,
        form=typed,
        errors=errors,
        below=below or [],
        channels=await _channels(request, work),
        form_key=typed.get("form_key") or str(uuid4()),
        sign=i18n.SIGNS.get(work.shop.currency, work.shop.currency),
    )


async def make(request: Request) -> Response:
    """POST root/coupons/new: code, label, kind, off, least, most, each, channel, from, until,
    below_cost"""
    work, form = await http.at_work(request), await forms.read(request)
    typed = form.typed(*FIELDS, "form_key")
    try:
        draft = await _checked(request, work, form)
        below = [] if draft.below_cost else await _below(request, work, draft)
        if below and not form.ticked("asked"):
            return await _form(request, work, typed, {}, below)
        coupon_id = await _make(request, work, form, draft)
    except Refused as no:
        field = _FIELD_OF.get(no.code, "off")
        return await _form(request, work, typed, {field: frame.sentence(request, no)})
    return frame.go(request, f"{frame.root(work.shop)}/coupons/{coupon_id}", "coupon_made")


async def _checked(request: Request, work: AtWork, form: Form) -> Draft:
    """Raises Refused: coupon_channel, and as _draft and coupons.check do."""
    draft = _draft(request, work, form)
    coupons.check(draft)
    known = {each["code"] for each in await _channels(request, work)}
    if draft.channel is not None and draft.channel not in known:
        raise Refused("coupon_channel")
    return draft


def _draft(request: Request, work: AtWork, form: Form) -> Draft:
    """Raises Refused: what days and amounts raise."""
    currency, zone = work.shop.currency, ZoneInfo(work.shop.zone)
    percent = form.text("kind", 10) == "percent"
    return Draft(
        code=coupons.code_of(form.text("code", 60)),
        label=tidy(form.text("label", 200)),
        from_at=giving.day_of(form.text("from", 10), zone) or http.now(request),
        until_at=giving.day_of(form.text("until", 10), zone, end=True),
        off_minor=None if percent else forms.price(form.text("off", 64), currency),
        off_bps=giving.percent_of(form.text("off", 10)) if percent else None,
        least_minor=forms.fee(form.text("least", 64), currency),
        most_uses=_uses(form.text("most", 10)) if form.text("most", 10).strip() else None,
        each_uses=_uses(form.text("each", 10) or "1"),
        channel=form.text("channel", 24).strip().lower() or None,
        below_cost=form.ticked("below_cost"),
    )


def _uses(text: str) -> int:
    """Raises Refused("coupon_uses")."""
    if not (text.strip().isdecimal() and len(text.strip()) < 8):
        raise Refused("coupon_uses")
    return int(text)


async def _below(request: Request, work: AtWork, draft: Draft) -> list[Below]:
    async with http.house(request).database.connection() as conn:
        return await privileges.below_cost(
            conn, work.shop.shop_id, off_bps=draft.off_bps or 0, off_minor=draft.off_minor or 0
        )


async def _make(request: Request, work: AtWork, form: Form, draft: Draft) -> UUID:
    person_id, at = work.person.person_id, http.now(request)
    coupon_id = forms.key(form.text("form_key", 64), uuid4())

    async def write(conn: db.Connection) -> None:
        await coupons.make(conn, work.shop.shop_id, coupon_id, draft, person_id=person_id, at=at)
        await shop_acts.note(
            conn, work.shop.shop_id, person_id, "coupon_made", at=at, once=coupon_id,
            subject=str(coupon_id), code=draft.code,
        )  # fmt: skip

    await http.house(request).database.transaction(write)
    return coupon_id


async def one(request: Request) -> Response:
    """GET root/coupons/ID: its link, its uses, what they cost"""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        found = await coupons.get(
            conn, work.shop.shop_id, http.uuid(request.path_params["coupon_id"])
        )
        by = await credits.name_of(conn, work.shop.shop_id, found.channel)
    link = names.public_url(request) + addresses.coupon(work.shop.slug or "", found.code)
    row = _row(request, work, found)
    row["channel"] = by or row["channel"]
    return await frame.page(
        request, work, "coupon.html", "people", coupon=row, paused=found.paused, link=link
    )


async def pause(request: Request) -> Response:
    """POST root/coupons/ID: then=pause|resume"""
    work, form = await http.at_work(request), await forms.read(request)
    coupon_id = http.uuid(request.path_params["coupon_id"])
    paused = form.text("then", 10) == "pause"
    shop_id, at = work.shop.shop_id, http.now(request)

    async def write(conn: db.Connection) -> None:
        before = await coupons.get(conn, shop_id, coupon_id)
        await coupons.pause(conn, shop_id, coupon_id, paused)
        if before.paused != paused:
            await shop_acts.note(
                conn, shop_id, work.person.person_id, "coupon_paused" if paused else "coupon_runs",
                at=at, subject=str(coupon_id), code=before.code,
            )  # fmt: skip

    await http.house(request).database.transaction(write)
    here = f"{frame.root(work.shop)}/coupons/{coupon_id}"
    return frame.go(request, here, "coupon_paused" if paused else "coupon_runs")


_ROOT = "/console/{shop_id}/coupons"
ROUTES = [
    Route(_ROOT, listed),
    Route(f"{_ROOT}/new", new),
    Route(f"{_ROOT}/new", make, methods=["POST"]),
    Route(f"{_ROOT}/{{coupon_id}}", one),
    Route(f"{_ROOT}/{{coupon_id}}", pause, methods=["POST"]),
]
