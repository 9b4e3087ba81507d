"""Referral commission in the console: what sharers get, who has earned what and until when it is
frozen; and what this shop itself earned by sharing others' things."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http
from littleshop.catalog import products, resold
from littleshop.customers import privileges
from littleshop.customers.privileges import Below
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.shop import shop_acts, shops
from littleshop.social import referral_lists, referral_stops, referral_terms
from littleshop.social.referral_terms import Rates
from littleshop.web import forms
from littleshop.web.console import frame, product, referral_views
from littleshop.web.forms import Form
from littleshop.web.rates import percent

ROOT = "/console/{shop_id}"
UNDECIDED = timedelta(days=400)  # longer than any order waits for its end
LINES = 100  # a page of what was earned
_FIELD_OF = {"referral_second": "second"}


def is_possible(request: Request) -> bool:
    """Whether money comes to the platform; an institution that holds it splits off our share
    only."""
    return http.house(request).settings.escrow != "psp_escrow"


def bps_of(text: str) -> int:
    """A rate as typed ("10", "2.5 %") in basis points. Raises Refused: referral_percent,
    referral_below_zero, referral_capped."""
    plain = text.strip().replace("%", "").replace("％", "").strip()
    if plain[:1] in ("-", "−", "－"):
        raise Refused("referral_below_zero")
    try:
        return forms.fee(plain, "CNY")
    except Refused as no:
        if no.code == "price_too_large":
            most = referral_terms.MOST_BPS // 100
            raise Refused("referral_capped", most=most) from None
        raise Refused("referral_percent") from None


def typed_rate(bps: int) -> str:
    """Basis points as they stand in a field: 10 or 2.5."""
    return percent(bps).removesuffix("%") if bps else ""


async def page(request: Request) -> Response:
    """GET root/referrals"""
    return await _show(request, await http.at_work(request), {}, {})


async def _show(
    request: Request,
    work: AtWork,
    typed: dict[str, str],
    errors: dict[str, str],
    below: list[Below] | None = None,
) -> Response:
    shop_id = work.shop.shop_id
    async with http.house(request).database.connection() as conn:
        rates = await referral_terms.of_shop(conn, shop_id)
        sharers = await referral_lists.sharers(conn, shop_id)
        names = await shops.names(conn, [each.earner_shop_id for each in sharers])
        things = await _things(conn, work)
        stopped = await referral_stops.current(conn, shop_id)
    return await frame.page(
        request,
        work,
        "referrals.html",
        "money",
        status=422 if errors or below else 200,
        possible=is_possible(request),
        is_owner=work.role == "owner",
        **_fields(rates, typed),
        errors=errors,
        below=below or [],
        sharers=[_sharer(work, each, names) for each in sharers],
        things=things,
        stopped=stopped.why if stopped else "",
    )


def _fields(rates: Rates | None, typed: dict[str, str]) -> dict[str, Any]:
    """The two rates as typed or as they stand, and what stood there when the page was made."""
    now = rates or referral_terms.NOTHING
    stands = {"first": typed_rate(now.first_bps), "second": typed_rate(now.second_bps)}
    return {
        "form": stands | typed,
        "seen": "" if rates is None else f"{rates.first_bps} {rates.second_bps}",
        "gives": bool(now),
        "rates": {"first": percent(now.first_bps), "second": percent(now.second_bps)},
    }


def _sharer(work: AtWork, each: referral_lists.Sharer, names: dict[int, str]) -> dict[str, Any]:
    return _sums(work, each) | {
        "name": names.get(each.earner_shop_id, ""),
        "orders": each.orders,
        "url": f"{frame.root(work.shop)}/referrals/{each.earner_shop_id}",
    }


def _sums(work: AtWork, each: referral_lists.Sharer | referral_lists.Sums) -> dict[str, Any]:
    return {
        name: Money(getattr(each, f"{name}_minor"), work.shop.currency)
        for name in ("coming", "frozen", "theirs")
    }


async def _things(conn: db.Connection, work: AtWork) -> list[dict[str, Any]]:
    """The things with rates of their own."""
    own = await referral_terms.exceptions(conn, work.shop.shop_id)
    if not own:
        return []
    listed = await products.listing(conn, work.shop.shop_id, all_states=True, only=list(own))
    return [
        {
            "title": each.title,
            "first": percent(own[each.product_id].first_bps),
            "second": percent(own[each.product_id].second_bps),
            "none": not own[each.product_id],
            "url": f"{frame.root(work.shop)}/goods/{each.product_id}/referral",
        }
        for each in listed
    ]


async def save(request: Request) -> Response:
    """POST root/referrals: first, second (percent), seen, asked, below_cost"""
    work, form = await frame.owner(request), await forms.read(request)
    errors, below = await _agree(request, work, form)
    if errors or below:
        return await _show(request, work, _typed(form, errors), errors, below)
    return frame.go(request, f"{frame.root(work.shop)}/referrals", "referral_saved")


def _typed(form: Form, errors: dict[str, str]) -> dict[str, str]:
    """What was typed, for the form; what somebody else has changed is shown as it is."""
    return {} if "form" in errors else form.typed("first", "second")


async def _agree(
    request: Request, work: AtWork, form: Form, product_id: UUID | None = None
) -> tuple[dict[str, str], list[Below]]:
    """Let the typed rates hold; what is wrong at its field, and what would sell below its cost."""
    if not is_possible(request):
        raise NotFound
    at_field = "first"
    try:
        if product_id is not None and form.text("then", 10) == "usual":
            rates = None
        else:
            first = bps_of(form.text("first", 20))
            at_field = "second"
            rates = Rates(first, bps_of(form.text("second", 20)))
            referral_terms.check(rates)
        below = [] if form.ticked("below_cost") else await _below(request, work, rates, product_id)
        if below:
            return {}, below
        await _write(request, work, form, rates, product_id)
    except Refused as no:
        field = _FIELD_OF.get(no.code, at_field if no.code != "referral_capped" else "first")
        field = "form" if no.code == "form_moved" else field
        return {field: frame.sentence(request, no)}, []
    return {}, []


async def _below(
    request: Request, work: AtWork, rates: Rates | None, product_id: UUID | None
) -> list[Below]:
    """What would sell below its cost at these rates."""
    if not rates:
        return []
    prices, title = None, ""
    async with http.house(request).database.connection() as conn:
        if product_id is not None:
            title = (await products.get(conn, work.shop.shop_id, product_id)).title
            prices = {
                each.variant_id: (each.price - each.price.bps(rates.both_bps)).minor
                for each in await products.variants(conn, work.shop.shop_id, product_id)
            }
        found = await privileges.below_cost(
            conn, work.shop.shop_id, off_bps=0 if prices else rates.both_bps, prices=prices
        )
    return [each for each in found if not prices or each.title == title]


async def _write(
    request: Request, work: AtWork, form: Form, rates: Rates | None, product_id: UUID | None
) -> None:
    at, who, shop_id = http.now(request), work.person.person_id, work.shop.shop_id
    seen = [int(part) for part in form.text("seen", 20).split() if part.isdecimal()]
    before = Rates(*seen) if len(seen) == 2 else None

    async def write(conn: db.Connection) -> None:
        title = ""
        if product_id is not None:
            title = (await products.get(conn, shop_id, product_id)).title
        if await referral_terms.agree(
            conn, shop_id, rates, seen=before, product_id=product_id, by=who, at=at
        ):
            now = rates or referral_terms.NOTHING
            kind = "referral_as_usual" if rates is None else "referral_terms"
            first, second = percent(now.first_bps), percent(now.second_bps)
            await shop_acts.note(
                conn, shop_id, who, kind, at=at, what=title, first=first, second=second
            )

    await http.house(request).database.transaction(write)


async def sharer(request: Request) -> Response:
    """GET root/referrals/SHOP?beyond=ORDER: what a sharer's shop has earned, line by line"""
    work, earner = await http.at_work(request), http.number(request.path_params["earner"])
    beyond = _beyond(request)
    async with http.house(request).database.connection() as conn:
        found = await referral_lists.of_sharer(conn, work.shop.shop_id, earner, beyond, LINES)
        if not found and beyond is None:
            raise NotFound("sharer")
        names = await shops.names(conn, [earner])
        rows = await referral_views.told(conn, found, work.shop.zone)
    return await frame.page(
        request, work, "referral_sharer.html", "money", name=names.get(earner, ""), rows=rows,
        older_url=_older(work, f"referrals/{earner}", found),
    )  # fmt: skip


async def thing(request: Request) -> Response:
    """GET root/goods/ID/referral"""
    return await _thing(request, await frame.owner(request), {}, {})


async def _thing(
    request: Request,
    work: AtWork,
    typed: dict[str, str],
    errors: dict[str, str],
    below: list[Below] | None = None,
) -> Response:
    found, _, _ = await product.read(request, work)
    async with http.house(request).database.connection() as conn:
        if await resold.get(conn, work.shop.shop_id, found.product_id) is not None:
            raise NotFound("product")
        own = (await referral_terms.exceptions(conn, work.shop.shop_id)).get(found.product_id)
        usual = await referral_terms.of_shop(conn, work.shop.shop_id)
    return await frame.page(
        request,
        work,
        "referral_thing.html",
        "goods",
        status=422 if errors or below else 200,
        product={"id": found.product_id, "title": found.title},
        possible=is_possible(request),
        has_own=own is not None,
        usual={"first": percent(usual.first_bps), "second": percent(usual.second_bps)},
        **_fields(own, typed),
        errors=errors,
        below=below or [],
    )


async def save_thing(request: Request) -> Response:
    """POST root/goods/ID/referral: first, second, seen, asked, below_cost, then=own|usual"""
    work, form = await frame.owner(request), await forms.read(request)
    found, _, _ = await product.read(request, work)
    errors, below = await _agree(request, work, form, found.product_id)
    if errors or below:
        return await _thing(request, work, _typed(form, errors), errors, below)
    here = f"{frame.root(work.shop)}/goods/{found.product_id}"
    return frame.go(request, here, "referral_saved")


async def earned(request: Request) -> Response:
    """GET root/earned?beyond=ORDER: what this shop earned by sharing what others sell; the sums
    stand on the first page"""
    work, beyond, sums = await http.at_work(request), _beyond(request), None
    since = http.now(request) - UNDECIDED
    async with http.house(request).database.connection() as conn:
        found = await referral_lists.earned(conn, work.shop.shop_id, beyond, LINES)
        if beyond is None:
            all_of_it = await referral_lists.earned_sums(conn, work.shop.shop_id, since)
            sums = _sums(work, all_of_it)
        rows = await _with_shops(conn, work, found)
    older = _older(work, "earned", found)
    return await frame.page(
        request, work, "earned.html", "money", rows=rows, sums=sums, older_url=older
    )


async def _with_shops(
    conn: db.Connection, work: AtWork, found: list[referral_lists.Line]
) -> list[dict[str, Any]]:
    """Each line with the name of the shop that sold."""
    names = await shops.names(conn, [each.shop_id for each in found])
    rows = await referral_views.told(conn, found, work.shop.zone)
    for row, line in zip(rows, found, strict=True):
        row["shop"] = names.get(line.shop_id, "")
    return rows


def _beyond(request: Request) -> UUID | None:
    """Behind which order this page begins. Raises NotFound."""
    after = request.query_params.get("beyond", "")
    return http.uuid(after) if after else None


def _older(work: AtWork, path: str, found: list[referral_lists.Line]) -> str:
    """Where the next page is; "" after a page that is not full."""
    full = len(found) == LINES
    return f"{frame.root(work.shop)}/{path}?beyond={found[-1].order_id}" if full else ""


ROUTES = [
    Route(f"{ROOT}/referrals", page),
    Route(f"{ROOT}/referrals", save, methods=["POST"]),
    Route(f"{ROOT}/referrals/{{earner}}", sharer),
    Route(f"{ROOT}/goods/{{product_id}}/referral", thing),
    Route(f"{ROOT}/goods/{{product_id}}/referral", save_thing, methods=["POST"]),
    Route(f"{ROOT}/earned", earned),
]
