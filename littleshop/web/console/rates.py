"""A template of what sending costs: its name, what it counts, and its rows by region."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, ids
from littleshop.catalog import provinces, shipping_rates
from littleshop.catalog.shipping_rates import Rate, Rule
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.i18n import SIGNS
from littleshop.shop import shop_acts
from littleshop.trade import regions
from littleshop.web import forms, pages, postage_words
from littleshop.web.console import frame
from littleshop.web.forms import Form

PARTS = ("first_units", "first", "more_units", "more", "free_over", "free_pieces")
_KILOS = re.compile(r"(\d{1,4})(?:\.(\d{1,3}))?\Z", re.ASCII)


class Row(msgspec.Struct):
    """A rule as its card shows it: texts as typed; `regions` empty on the last."""

    regions: tuple[str, ...] = ()
    never: bool = False
    typed: dict[str, str] = {}
    open: bool = False
    error: str = ""


class Sheet(msgspec.Struct):
    """The form of a template: as typed, and what is wrong with it."""

    name: str
    measure: str
    rows: list[Row]
    errors: dict[str, str] = {}


async def fresh(request: Request) -> Response:
    """GET root/settings/shipping/rates/new"""
    work = await http.at_work(request)
    fee = work.shop.shipping_flat_minor
    blank = Rate(None, "", "piece", (Rule(first_minor=fee, more_minor=0),))
    return await _page(request, work, ids.uuid7(http.now(request)), _sheet(work, blank), None)


async def page(request: Request) -> Response:
    """GET root/settings/shipping/rates/ID"""
    work, rate_id = await http.at_work(request), http.uuid(request.path_params["rate_id"])
    async with http.house(request).database.connection() as conn:
        rate = await shipping_rates.get(conn, work.shop.shop_id, rate_id)
    return await _page(request, work, rate_id, _sheet(work, rate), rate)


def _sheet(work: AtWork, rate: Rate) -> Sheet:
    """The form as the template is."""
    rows = [
        Row(each.regions, not each.delivered, _typed_of(each, rate.measure, work.shop.currency))
        for each in rate.rules
    ]
    return Sheet(rate.name, rate.measure, rows, {})


def _typed_of(rule: Rule, measure: str, currency: str) -> dict[str, str]:
    units = [
        postage_words.kilos(each) if measure == "weight" else str(each)
        for each in (rule.first_units, rule.more_units)
    ]
    money = [forms.shown(each, currency) for each in (rule.first_minor, rule.more_minor)]
    over = forms.shown(rule.free_over_minor, currency)
    pieces = str(rule.free_pieces or "")
    return dict(zip(PARTS, (units[0], money[0], units[1], money[1], over, pieces), strict=True))


async def _page(
    request: Request,
    work: AtWork,
    rate_id: UUID,
    sheet: Sheet,
    rate: Rate | None,
    status: int = 200,
) -> Response:
    locale, shop = pages.locale_of(request), work.shop
    return await frame.page(
        request, work, "shipping_rate.html", "today",
        status=status, sheet=sheet, sign=SIGNS.get(shop.currency, shop.currency),
        here=f"{frame.root(shop)}/settings/shipping/rates/{rate_id}",
        known=rate is not None,
        standard=rate_id == shop.rate_id,
        products=rate.products if rate else 0,
        measures=shipping_rates.MEASURES,
        most=shipping_rates.MOST_RULES,
        names={code: regions.called(locale, name) for code, name in provinces.NAMES.items()},
        joint="、" if locale.startswith("zh") else ", ",
    )  # fmt: skip


async def save(request: Request) -> Response:
    """POST root/settings/shipping/rates/ID: name, measure, rows, rule-N-regions (many),
    rule-N-never, rule-N-first_units ..., then=save|add|drop-N"""
    work, rate_id = await http.at_work(request), http.uuid(request.path_params["rate_id"])
    form = await forms.read(request)
    async with http.house(request).database.connection() as conn:
        known = await shipping_rates.of(conn, work.shop.shop_id)
    rate = next((each for each in known if each.rate_id == rate_id), None)
    sheet, then = _typed(form), form.text("then", 10)
    if then == "add" or then.startswith("drop-"):
        return await _page(request, work, rate_id, _changed(sheet, then), rate)
    try:
        await _write(request, work, rate_id, sheet)
    except Refused as no:
        _blame(request, sheet, no)
    if sheet.errors or any(row.error for row in sheet.rows):
        return await _page(request, work, rate_id, sheet, rate, status=422)
    return frame.go(request, f"{frame.root(work.shop)}/settings/shipping", "rate_saved")


def _typed(form: Form) -> Sheet:
    """The form as it was typed; the last row is always everywhere else."""
    many = form.text("rows", 3)
    count = min(int(many) if many.isdecimal() else 1, shipping_rates.MOST_RULES) or 1
    rows = []
    for at in range(count):
        chosen = tuple(code for code in form.texts(f"rule-{at}-regions") if len(code) == 2)
        typed = {part: form.text(f"rule-{at}-{part}", 20).strip() for part in PARTS}
        never = form.ticked(f"rule-{at}-never")
        rows.append(Row(chosen if at < count - 1 else (), never, typed))
    return Sheet(form.text("name", 60), form.text("measure", 10), rows, {})


def _changed(sheet: Sheet, then: str) -> Sheet:
    """One row more before the last, or one less."""
    number = then.removeprefix("drop-")
    if then == "add" and len(sheet.rows) < shipping_rates.MOST_RULES:
        typed = dict(sheet.rows[-1].typed) | {"free_over": "", "free_pieces": ""}
        sheet.rows.insert(-1, Row((), typed=typed, open=True))
    elif number.isdecimal() and int(number) < len(sheet.rows) - 1:
        del sheet.rows[int(number)]
    return sheet


async def _write(request: Request, work: AtWork, rate_id: UUID, sheet: Sheet) -> None:
    """Raises Refused: what shipping_rates.check and write raise; what is wrong with one row is
    said on it."""
    rules = [_rule(request, work, sheet.measure, row) for row in sheet.rows]
    if any(row.error for row in sheet.rows):
        return
    checked, at = shipping_rates.check(sheet.name, sheet.measure, rules), http.now(request)

    async def write(conn: db.Connection) -> None:
        shop_id = work.shop.shop_id
        await shipping_rates.write(conn, shop_id, rate_id, checked, at)
        await shop_acts.note(conn, shop_id, work.person.person_id, "shipping", at=at)

    await http.house(request).database.transaction(write)


def _rule(request: Request, work: AtWork, measure: str, row: Row) -> Rule:
    """The rule of a card. Where nothing is sent no fee is asked for."""
    if row.never:
        return Rule(row.regions, delivered=False)
    typed, currency = row.typed, work.shop.currency
    counted = measure != "order"
    try:
        return Rule(
            row.regions,
            True,
            _units(typed["first_units"], measure) if counted else 1,
            forms.fee(typed["first"], currency),
            _units(typed["more_units"], measure) if counted else 1,
            forms.fee(typed["more"], currency) if counted else 0,
            forms.price(typed["free_over"], currency) if typed["free_over"] else None,
            _pieces(typed["free_pieces"]) if typed["free_pieces"] else None,
        )
    except Refused as no:
        row.error = forms.said(request, no)
        return Rule(row.regions)


def _units(text: str, measure: str) -> int:
    return grams(text) if measure == "weight" else _pieces(text or "1")


def _pieces(text: str) -> int:
    """Raises Refused: rate_units."""
    found = forms.count(text)
    if found < 1:
        raise Refused("rate_units")
    return found


def grams(text: str) -> int:
    """A weight typed in kilograms (1, 0.5). Raises Refused weight_number."""
    found = _KILOS.match(unicodedata.normalize("NFKC", text.strip()))
    if found is None:
        raise Refused("weight_number")
    return int(found[1]) * 1000 + int((found[2] or "0").ljust(3, "0"))


def _blame(request: Request, sheet: Sheet, no: Refused) -> None:
    """Say a refusal where it belongs: on a row, or on the name."""
    if isinstance(no, NotFound):
        raise no
    at = no.details.get("at")
    said = forms.said(request, no)
    if isinstance(at, int) and at < len(sheet.rows):
        sheet.rows[at].error, sheet.rows[at].open = said, True
    else:
        sheet.errors["name" if no.code.startswith("rate_name") else "form"] = said


async def named_apart(conn: db.Connection, shop_id: int, rate: Rate) -> Rate:
    """The template under a name that no other of the shop has: 江浙沪包邮 2."""
    taken = {each.name for each in await shipping_rates.of(conn, shop_id)}
    tries: Sequence[str] = [rate.name, *(f"{rate.name[:17]} {n}" for n in range(2, 99))]
    name = next(each for each in tries if each not in taken)
    return msgspec.structs.replace(rate, name=name)


async def remove(request: Request) -> Response:
    """POST root/settings/shipping/rates/ID/removal: what named it goes by the standard one"""
    work, rate_id = await http.at_work(request), http.uuid(request.path_params["rate_id"])
    at, shop_id = http.now(request), work.shop.shop_id

    async def work_on(conn: db.Connection) -> None:
        await shipping_rates.remove(conn, shop_id, rate_id)
        await shop_acts.note(conn, shop_id, work.person.person_id, "shipping", at=at)

    await http.house(request).database.transaction(work_on)
    return frame.go(request, f"{frame.root(work.shop)}/settings/shipping", "rate_removed")


_ROOT = "/console/{shop_id}/settings/shipping/rates"
ROUTES: list[Any] = [
    Route(f"{_ROOT}/new", fresh),
    Route(f"{_ROOT}/{{rate_id}}", page),
    Route(f"{_ROOT}/{{rate_id}}", save, methods=["POST"]),
    Route(f"{_ROOT}/{{rate_id}}/removal", remove, methods=["POST"]),
]
