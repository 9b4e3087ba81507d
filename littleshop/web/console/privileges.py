"""Privileges in the console: what customers and groups have, giving one, ending one.

A rule that would sell below cost shows which things, and is asked for once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import crypto, db, http, i18n
from littleshop.catalog import choosing, products
from littleshop.customers import customers, groups, privileges
from littleshop.customers.privileges import Below, Draft, Given
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.shop import shop_acts
from littleshop.shop.shops import tidy
from littleshop.web import forms, pages
from littleshop.web.console import frame
from littleshop.web.forms import Form

FIELDS = ("label", "percent", "sum", "window", "from", "until")
_FIELD_OF = {
    "privilege_label": "label",
    "privilege_off": "percent",
    "privilege_sum": "sum",
    "privilege_window": "window",
    "privilege_prices": "prices",
    "privilege_goods": "goods",
    "privilege_until": "until",
    "privilege_day": "from",
}
MOST_THINGS = 200  # that one form lists


async def listed(request: Request) -> Response:
    """GET root/privileges"""
    return await _list(request, await http.at_work(request))


async def _list(request: Request, work: AtWork) -> Response:
    house = http.house(request)
    async with house.database.connection() as conn:
        rows = await privileges.listing(conn, work.shop.shop_id)
        named = await groups.names(conn, work.shop.shop_id)
        people = {
            each.phone_index: await customers.get(conn, work.shop.shop_id, each.phone_index)
            for each in rows
            if each.phone_index is not None
        }
    masked = {
        index: crypto.mask_phone(house.keyring.open(known.phone_sealed))
        for index, known in people.items()
        if known is not None
    }
    told = shown(request, work, rows, named, masked)
    return await frame.page(
        request,
        work,
        "privileges.html",
        "people",
        rows=[row for row in told if not row["ended"]],
        ended=[row for row in told if row["ended"]],
    )


def shown(
    request: Request,
    work: AtWork,
    rows: Sequence[Given],
    named: dict[UUID, str] | None = None,
    masked: dict[bytes, str] | None = None,
) -> list[dict[str, Any]]:
    """Privileges for a list: what, for whom, until when, what they cost so far."""
    locale, at, shop = pages.locale_of(request), http.now(request), work.shop
    zone = ZoneInfo(shop.zone)
    told = []
    for each in rows:
        over = each.until_at is not None and each.until_at <= at
        whom = (named or {}).get(each.group_id) if each.group_id else None
        if each.phone_index is not None:
            whom = (masked or {}).get(each.phone_index)
        told.append(
            {
                "label": each.label,
                "what": i18n.t(
                    locale,
                    f"privileges.console.is.{each.kind}",
                    percent=f"{(each.off_bps or 0) / 100:g}%",
                    amount=Money(each.sum_minor or 0, shop.currency),
                    count=each.prices + each.goods,
                    days=each.window_days or 0,
                ),
                "whom": whom or "",
                "whom_url": _whom_url(shop.shop_id, each),
                "until": each.until_at.astimezone(zone).date() if each.until_at else None,
                "below_cost": each.below_cost,
                "uses": each.uses,
                "cost": Money(each.cost_minor, shop.currency),
                "ended": each.ended_at is not None or over,
                "end_url": f"{frame.root(shop)}/privileges/{each.privilege_id}/end",
            }
        )
    return told


def _whom_url(shop_id: int, each: Given) -> str:
    if each.phone_index is not None:
        return f"/console/{shop_id}/people/{each.phone_index.hex()}"
    return f"/console/{shop_id}/groups/{each.group_id}"


async def new(request: Request) -> Response:
    """GET root/privileges/new?for=INDEX|GROUP&kind="""
    work = await http.at_work(request)
    kind = request.query_params.get("kind", "")
    return await _form(request, work, request.query_params.get("for", ""), kind, {}, {})


async def _whom(request: Request, work: AtWork, text: str) -> tuple[bytes | None, UUID | None, str]:
    """For whom, and how they are called. Raises NotFound."""
    house, shop_id = http.house(request), work.shop.shop_id
    async with house.database.connection() as conn:
        if len(text) == 64:
            try:
                index = bytes.fromhex(text)
            except ValueError:
                raise NotFound("person") from None
            known = await customers.get(conn, shop_id, index)
            if known is None:
                raise NotFound("person")
            return index, None, crypto.mask_phone(house.keyring.open(known.phone_sealed))
        group_id = http.uuid(text)
        named = await groups.names(conn, shop_id)
        if group_id not in named:
            raise NotFound("group")
        return None, group_id, named[group_id]


async def _form(
    request: Request,
    work: AtWork,
    whom: str,
    kind: str,
    typed: dict[str, str],
    errors: dict[str, str],
    *,
    below: Sequence[Below] = (),
) -> Response:
    _, _, name = await _whom(request, work, whom)
    if kind not in privileges.KINDS:
        kind = ""
    rows = await _things(request, work, kind)
    chosen = set(typed.get("goods", "").split(","))
    return await frame.page(
        request,
        work,
        "privilege_new.html",
        "people",
        status=422 if errors or below else 200,
        kind=kind,
        kinds=privileges.KINDS,
        whom=whom,
        whom_name=name,
        things=[
            row | {"value": typed.get(row["name"], ""), "chosen": row["id"] in chosen}
            for row in rows
        ],
        form=typed,
        errors=errors,
        below=below,
        form_key=typed.get("form_key") or str(uuid4()),
        sign=i18n.SIGNS.get(work.shop.currency, work.shop.currency),
    )


async def _things(request: Request, work: AtWork, kind: str) -> list[dict[str, Any]]:
    """The variants to price, or the products to keep for them."""
    if kind not in ("prices", "exclusive"):
        return []
    async with http.house(request).database.connection() as conn:
        rows = await choosing.variants(conn, work.shop.shop_id, MOST_THINGS)
    if kind == "exclusive":
        seen = {row.product_id: row for row in rows}
        return [
            {"name": "goods", "id": str(row.product_id), "title": row.title, "status": row.status}
            for row in seen.values()
        ]
    return [
        {
            "name": f"p-{row.variant_id}",
            "id": str(row.variant_id),
            "title": " · ".join(part for part in (row.title, row.choice) if part),
            "price": Money(row.price_minor, work.shop.currency),
        }
        for row in rows
    ]


async def give(request: Request) -> Response:
    """POST root/privileges/new: for, kind, label, the kind's own fields, from, until, below_cost"""
    return await _asked(request, await http.at_work(request), await forms.read(request))


async def _asked(request: Request, work: AtWork, form: Form) -> Response:
    whom, kind = form.text("for", 64), form.text("kind", 20)
    index, group_id, _ = await _whom(request, work, whom)
    typed = form.typed(*FIELDS, "form_key") | {"goods": ",".join(form.texts("goods"))}
    rows = await _things(request, work, kind)
    typed |= {row["name"]: form.text(row["name"], 64) for row in rows if kind == "prices"}
    try:
        draft = _draft(request, work, form, kind, rows, index, group_id)
        privileges.check(draft)
    except Refused as no:
        field = _FIELD_OF.get(no.code, "prices" if kind == "prices" else "sum")
        return await _form(request, work, whom, kind, typed, {field: frame.sentence(request, no)})
    below = [] if draft.below_cost else await _below(request, work, draft)
    if below and not form.ticked("asked"):
        return await _form(request, work, whom, kind, typed, {}, below=below)
    await _give(request, work, form, draft)
    back = f"people/{whom}" if index is not None else f"groups/{group_id}"
    return frame.go(request, f"{frame.root(work.shop)}/{back}", "privilege_given")


def _draft(
    request: Request,
    work: AtWork,
    form: Form,
    kind: str,
    rows: Sequence[dict[str, Any]],
    index: bytes | None,
    group_id: UUID | None,
) -> Draft:
    """Raises Refused: privilege_day, and what amounts raise."""
    currency, zone = work.shop.currency, ZoneInfo(work.shop.zone)
    prices = {}
    if kind == "prices":
        texts = {UUID(row["id"]): form.text(row["name"], 64).strip() for row in rows}
        prices = {each: forms.price(text, currency) for each, text in texts.items() if text}
    known = {row["id"] for row in rows}
    goods = [UUID(each) for each in form.texts("goods") if each in known]
    percent = kind in ("percent", "birthday")
    return Draft(
        kind=kind,
        label=tidy(form.text("label", 200)),
        from_at=day_of(form.text("from", 10), zone) or http.now(request),
        until_at=day_of(form.text("until", 10), zone, end=True),
        phone_index=index,
        group_id=group_id,
        off_bps=percent_of(form.text("percent", 10)) if percent else None,
        sum_minor=forms.price(form.text("sum", 64), currency) if kind == "credit" else None,
        window_days=_number(form.text("window", 4)) if kind == "birthday" else None,
        below_cost=form.ticked("below_cost"),
        prices=prices,
        goods=goods if kind == "exclusive" else [],
    )


def day_of(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime | None:
    """The beginning of a day of the shop's zone, or its end; None for nothing. Raises Refused(
    "privilege_day")."""
    if not text.strip():
        return None
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").date()
    except ValueError:
        raise Refused("privilege_day") from None
    if not 2020 <= day.year <= 2100:
        raise Refused("privilege_day")
    return datetime.combine(day, time.max.replace(microsecond=0) if end else time(), zone)


def percent_of(text: str) -> int:
    """A percentage as typed ("10", "12.5 %") in basis points. Raises Refused("privilege_off")."""
    try:
        bps = forms.price(text.replace("%", "").replace("％", ""), "CNY")
    except Refused:
        raise Refused("privilege_off") from None
    return bps


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None


async def _below(request: Request, work: AtWork, draft: Draft) -> list[Below]:
    if draft.kind not in ("percent", "birthday", "prices"):
        return []
    async with http.house(request).database.connection() as conn:
        found = await privileges.below_cost(
            conn, work.shop.shop_id, off_bps=draft.off_bps or 0, prices=draft.prices
        )
    return found


async def _give(request: Request, work: AtWork, form: Form, draft: Draft) -> None:
    person_id, at = work.person.person_id, http.now(request)
    privilege_id = forms.key(form.text("form_key", 64), uuid4())

    async def write(conn: db.Connection) -> None:
        for product_id in draft.goods:
            await products.set_status(conn, work.shop.shop_id, product_id, "hidden", at)
        await privileges.give(
            conn, work.shop.shop_id, privilege_id, draft, person_id=person_id, at=at
        )
        await shop_acts.note(
            conn, work.shop.shop_id, person_id, "privilege_given", at=at, once=privilege_id,
            subject=str(privilege_id), what=draft.label,
        )  # fmt: skip

    await http.house(request).database.transaction(write)


async def end(request: Request) -> Response:
    """POST root/privileges/ID/end"""
    work, at = await http.at_work(request), http.now(request)
    privilege_id = http.uuid(request.path_params["privilege_id"])
    shop_id = work.shop.shop_id

    async def write(conn: db.Connection) -> None:
        what = await privileges.end(conn, shop_id, privilege_id, at)
        await shop_acts.note(
            conn, shop_id, work.person.person_id, "privilege_ended", at=at,
            subject=str(privilege_id), what=what,
        )  # fmt: skip

    await http.house(request).database.transaction(write)
    return frame.go(request, f"{frame.root(work.shop)}/privileges", "privilege_ended")


_ROOT = "/console/{shop_id}/privileges"
ROUTES = [
    Route(_ROOT, listed),
    Route(f"{_ROOT}/new", new),
    Route(f"{_ROOT}/new", give, methods=["POST"]),
    Route(f"{_ROOT}/{{privilege_id}}/end", end, methods=["POST"]),
]
