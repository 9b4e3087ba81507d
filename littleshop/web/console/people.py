"""Everyone who bought here: what they spent, where they live, what was noted of them, what they
have; the phone masked, addresses for the owner."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import crypto, db, http, i18n
from littleshop.crypto import Keyring
from littleshop.customers import customers, privileges
from littleshop.customers.customers import CustomerSum, Past
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.sale import finding
from littleshop.shop import staff
from littleshop.shop.shops import tidy
from littleshop.social import credits, follows
from littleshop.trade import conversation_lists, regions, reviews
from littleshop.trade.orders import Delivery
from littleshop.web import forms, meanwhile, pages
from littleshop.web.console import frame
from littleshop.web.console import orders as lists
from littleshop.web.console import privileges as giving


def row(each: CustomerSum, root: str, keyring: Keyring) -> dict[str, Any]:
    """A customer as lists show him."""
    phone = keyring.open(each.phone_sealed)
    delivery = Delivery("", phone)
    if each.delivery_sealed is not None:
        delivery = msgspec.json.decode(keyring.open(each.delivery_sealed), type=Delivery)
    return {
        "name": delivery.name or crypto.mask_phone(phone),
        "phone_masked": crypto.mask_phone(phone),
        "orders": each.orders,
        "spent": each.spent,
        "last_at": each.last_order_at,
        "place": lists.place(delivery),
        "tags": each.tags,
        "url": f"{root}/people/{each.phone_index.hex()}",
    }


def moment(text: str | None) -> datetime | None:
    """Where the page before ended. Raises NotFound."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise NotFound from None
    if at.tzinfo is None or not 2000 <= at.year <= 2200:  # PostgreSQL and UTC reach further
        raise NotFound
    return at


async def listed(request: Request) -> Response:
    """GET root/people?q=: everyone who bought, or those with this phone, its last
    four, or this name."""
    work, house = await http.at_work(request), http.house(request)
    q = request.query_params.get("q", "").strip()[:40]
    beyond, shop_id = moment(request.query_params.get("beyond")), work.shop.shop_id
    async with house.database.connection() as conn:
        if q:
            rows = await finding.people(conn, house.keyring, shop_id, q)
        else:
            rows = await customers.listing(conn, shop_id, before=beyond)
        life = await _life(conn, shop_id)
    context = _context(rows, q, frame.root(work.shop), house.keyring)
    return await frame.page(request, work, "people.html", "people", **(context | life))


async def _life(conn: db.Connection, shop_id: int) -> dict[str, Any]:
    """How many bought, follow and say something."""
    counted = await customers.counts(conn, shop_id)
    return {
        "total": min(counted.total, customers.COUNTED),
        "more": (more := counted.total > customers.COUNTED),
        "again": 0 if more else counted.again,
        "followers": await follows.count(conn, shop_id),
        "unanswered": await reviews.unanswered(conn, shop_id),
        "judged": await reviews.of(conn, shop_id),
        "unread": await conversation_lists.unread(conn, shop_id),
    }


def _context(rows: list[CustomerSum], q: str, root: str, keyring: Keyring) -> dict[str, Any]:
    more = len(rows) == customers.PAGE and not q
    last = rows[-1].last_order_at.isoformat().replace("+00:00", "Z") if more else ""
    return {
        "people": [row(each, root, keyring) for each in rows],
        "q": q,
        "older_url": f"{root}/people?beyond={last}" if more else "",
    }


def _index(request: Request) -> bytes:
    """Whose page it is. Raises NotFound."""
    text = request.path_params["index"]
    if len(text) != 64 or not all(sign in "0123456789abcdef" for sign in text):
        raise NotFound("person")
    return bytes.fromhex(text)


async def orders(request: Request) -> Response:
    """GET root/people/INDEX/orders: as a list of orders."""
    work = await http.at_work(request)
    return await lists.of_phone(request, work, _index(request))


async def one(request: Request) -> Response:
    """GET root/people/INDEX: what is known of one of them; who never paid has his orders only."""
    work, index = await http.at_work(request), _index(request)
    async with http.house(request).database.connection() as conn:
        bought = await customers.by_phone(conn, work.shop.shop_id, index)
    if not bought:
        return await lists.of_phone(request, work, index)
    return await _show(request, work, bought[0], {}, {})


async def _show(
    request: Request,
    work: AtWork,
    each: CustomerSum,
    typed: dict[str, str],
    errors: dict[str, str],
) -> Response:
    house, shop_id, locale = http.house(request), work.shop.shop_id, pages.locale_of(request)
    async with house.database.connection() as conn:
        past = await customers.past(conn, shop_id, each.phone_index)
        source = await credits.name_of(conn, shop_id, past.first_share)
        given = await privileges.listing(conn, shop_id, phone_index=each.phone_index)
        born = await privileges.birthday(conn, shop_id, each.phone_index)
    told = row(each, frame.root(work.shop), house.keyring)
    known = _known(request, each)
    return await frame.page(
        request,
        work,
        "person.html",
        "people",
        status=422 if errors else 200,
        person=told | {"first_at": each.first_order_at, "source": source},
        shared=bool(past.first_share),
        addresses=_addresses(past, house.keyring) if work.role == "owner" else [],
        may_give=staff.may(work.role, "people"),
        give_url=f"{frame.root(work.shop)}/privileges/new?for={each.phone_index.hex()}",
        privileges=giving.shown(request, work, [one for one in given if not one.ended_at]),
        birthday=i18n.t(locale, "privileges.day", month=born.month, day=born.day) if born else "",
        form=known | typed,
        showed=meanwhile.mark(known),
        errors=errors,
    )


def _known(request: Request, each: CustomerSum) -> dict[str, str]:
    """What is written of a customer, as its fields hold it."""
    comma = i18n.t(pages.locale_of(request), "words.comma")
    return {"notes": each.notes, "tags": comma.join(each.tags)}


def _addresses(past: Past, keyring: Keyring) -> list[str]:
    """Where his things went, each once, the last one first."""
    found = []
    for sealed in past.deliveries:
        to = msgspec.json.decode(keyring.open(sealed), type=Delivery)
        if to.street:
            found.append(regions.line(to.name, to.province, to.city, to.district, to.street))
    return list(dict.fromkeys(found))


async def describe(request: Request) -> Response:
    """POST root/people/INDEX: notes, tags (parted by commas), then=save|forget_birthday"""
    work, form, index = await http.at_work(request), await forms.read(request), _index(request)
    house, shop_id = http.house(request), work.shop.shop_id
    here = f"{frame.root(work.shop)}/people/{index.hex()}"
    if form.text("then", 20) == "forget_birthday":
        await house.database.transaction(
            lambda conn: privileges.forget_birthday(conn, shop_id, index)
        )
        return frame.go(request, here, "birthday_forgotten")
    again = await _save(request, work, index, form)
    return again or frame.go(request, here, "person_described")


async def _save(request: Request, work: AtWork, index: bytes, form: forms.Form) -> Response | None:
    """Write what was typed; the page again with what is wrong. Raises NotFound."""
    async with http.house(request).database.connection() as conn:
        bought = await customers.by_phone(conn, work.shop.shop_id, index)
    if not bought:
        raise NotFound("person")
    stands = _known(request, bought[0])
    typed, moved = meanwhile.merge(form, form.typed("notes", "tags"), stands)
    said = {name: meanwhile.told(request, stands[name]) for name in moved}
    if not said:
        try:
            await _describe(request, work, index, typed)
        except Refused as no:
            field = "notes" if no.code == "notes_too_long" else "tags"
            said = {field: frame.sentence(request, no)}
    return await _show(request, work, bought[0], typed, said) if said else None


async def _describe(request: Request, work: AtWork, index: bytes, typed: dict[str, str]) -> None:
    """Raises Refused as customers.describe; NotFound."""
    tags = [tidy(each) for each in re.split(r"[,，、;；\n]", typed["tags"][:1000])]
    notes = typed["notes"][:4000].strip()
    await http.house(request).database.transaction(
        lambda conn: customers.describe(
            conn, work.shop.shop_id, index, notes, [each for each in tags if each]
        )
    )


_ROOT = "/console/{shop_id}/people"
ROUTES = [
    Route(_ROOT, listed),
    Route(f"{_ROOT}/{{index}}", one),
    Route(f"{_ROOT}/{{index}}", describe, methods=["POST"]),
    Route(f"{_ROOT}/{{index}}/orders", orders),
]
