"""What the buyer's home is made of: each source is asked for its part, none knows the others.

A field that has something waiting for a buyer, or shops that he cares for, adds a function here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from littleshop import db, i18n
from littleshop.crypto import Keyring
from littleshop.identity.people import Person
from littleshop.money import Money
from littleshop.sale import asking_a_payer
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.social import follows
from littleshop.trade import invitation_lists, invitations, person_orders, regions
from littleshop.trade.invitations import Invitation
from littleshop.trade.orders import PAYABLE, Delivery, Order
from littleshop.trade.person_orders import Found
from littleshop.trade.timers import Timer
from littleshop.web import addresses
from littleshop.web.storefront import order_views

RECEIVABLE = ("delivered",)
HELD_FOR = ("invited", "placed")
SHARED = ("pay_for_me", "chip_in")  # others pay: what waits is their part
GATHERED = (*HELD_FOR, "collecting")  # it is said how much of the whole is together
MARKED = (*SHARED, "gift", "team", "invitation")


class Asked(msgspec.Struct, frozen=True):
    """Whose home it is, and for whom the page is drawn."""

    conn: db.Connection
    keyring: Keyring
    person: Person
    locale: str
    at: datetime


class Waiting(msgspec.Struct, frozen=True):
    """Something that waits for the buyer: what, what happens if nobody acts, and one button. `post`
    is where the button posts, `go` where it leads, whichever there is; `note` a line below."""

    head: str
    silence: Markup | None
    label: str
    amount: Money | None = None
    post: str = ""
    go: str = ""
    moves_money: bool = False
    until: datetime | None = None
    note: str = ""


Source = Callable[[Asked], Awaitable[Sequence[Waiting]]]
ShopSource = Callable[[Asked], Awaitable[Sequence[int]]]


async def orders_waiting(asked: Asked) -> list[Waiting]:
    """Orders that are to be paid, and parcels that arrived."""
    found = await person_orders.of_phone(asked.conn, asked.person.phone_index, most=100)
    open_ones = [each for each in found if each.order.status in (*PAYABLE, *RECEIVABLE)]
    clocks = await person_orders.clocks(asked.conn, open_ones)
    known = await shops_by_id(asked.conn, [each.order.shop_id for each in open_ones])
    return [
        _waiting(asked, each, known[each.order.shop_id], clocks.get(each.order.order_id, []))
        for each in open_ones
        if each.order.shop_id in known
    ]


def _waiting(asked: Asked, found: Found, shop: Shop, clocks: Sequence[Timer]) -> Waiting:
    row = found.order
    shared = _shared(row, clocks)
    pays = row.status in PAYABLE and not shared
    return Waiting(
        head=i18n.t(asked.locale, _head_key(row, shared), shop=shop.name, thing=found.title),
        silence=silence(asked, row, shop, clocks),
        label=i18n.t(asked.locale, f"my.waits.{_act(row, shared)}"),
        amount=row.total if pays else None,
        post=addresses.my_order(row.shop_id, row.number),
        moves_money=pays,
        note=_goes_to(asked, row) if row.status in PAYABLE else "",
        until=next((timer.due_at for timer in clocks if timer.paused_at is None), None),
    )


def _head_key(row: Order, shared: bool) -> str:
    asked = asking_a_payer.asked_as(row.kind)
    waits = shared and row.status in HELD_FOR
    return f"my.waits.asked.{asked}" if waits else f"my.waits.{row.status}"


def _shared(row: Order, clocks: Sequence[Timer]) -> bool:
    """Whether others were asked to pay: of what a letter names, when it waits for nothing else, or
    keeps its things for who is paying."""
    if row.kind != "invitation":
        return row.kind in SHARED
    kept = any(clock.kind == "hold_by" for clock in clocks)
    return row.status == "invited" or (row.status == "placed" and kept)


def _act(row: Order, shared: bool) -> str:
    if row.status not in PAYABLE:
        return "look"
    return "see" if shared else "pay"


async def letters_waiting(asked: Asked) -> list[Waiting]:
    """Letters of sellers that ask him to pay, and can still be paid."""
    found = await invitation_lists.to_phone(asked.conn, asked.person.phone_index, asked.at)
    known = await shops_by_id(asked.conn, [each.shop_id for each in found])
    return [
        await _letter(asked, each, known[each.shop_id]) for each in found if each.shop_id in known
    ]


async def _letter(asked: Asked, letter: Invitation, shop: Shop) -> Waiting:
    lines = await invitations.lines(asked.conn, letter.shop_id, letter.invitation_id)
    till, zone = letter.expires_at or asked.at, ZoneInfo(shop.zone)
    when = i18n.when(asked.locale, till, asked.at, zone)
    return Waiting(
        head=i18n.t(
            asked.locale, "my.waits.letter", seller=shop.seller or shop.name, thing=lines[0].title
        ),
        silence=i18n.html(asked.locale, "my.waits.letter_silence", when=when),
        label=i18n.t(asked.locale, "my.waits.read"),
        post=addresses.my_letter(letter.shop_id, letter.invitation_id),
        until=letter.expires_at,
        note=shop.name,
    )


def _goes_to(asked: Asked, row: Order) -> str:
    """Where an unpaid order goes: anybody can order in the name of a phone, and who pays looks."""
    to = row.delivery(asked.keyring)
    if row.kind == "gift" or not to.city:
        return ""
    where = regions.line(to.city, to.district, to.street)
    return i18n.t(asked.locale, "my.waits.goes_to", name=to.name, where=where)


def silence(asked: Asked, row: Order, shop: Shop, clocks: Sequence[Timer]) -> Markup | None:
    """What happens to an order if nobody acts, as its own page says it."""
    due = next(
        (each for each in clocks if each.kind in order_views.DUE and each.paused_at is None), None
    )
    if due is None:
        return None
    shared = _shared(row, clocks) and row.status in HELD_FOR
    if shared and due.kind in ("pay_by", "hold_by"):
        return _letter_silence(asked, clocks, ZoneInfo(shop.zone))
    kind = order_views.DUE[due.kind]
    kind = order_views.PAY_BY.get(row.status, kind) if kind == "pay" else kind
    key = f"storefront.order.if_nobody.{kind}"
    if row.direct and kind == "confirm":
        key = "cases.order.if_nobody.direct"
    if row.way == "pickup" and i18n.has(asked.locale, f"{key}.by_hand"):
        key = f"{key}.by_hand"
    left = Money(row.total_minor - row.refunded_minor, row.currency)
    return i18n.html(
        asked.locale,
        key,
        seller=shop.seller or shop.name,
        amount=str(i18n.money(asked.locale, left)),
        when=i18n.when(asked.locale, due.due_at, asked.at, ZoneInfo(shop.zone)),
    )


def _letter_silence(asked: Asked, clocks: Sequence[Timer], zone: ZoneInfo) -> Markup:
    """Until when the letter to whoever pays is open, and for how long its things are kept."""
    due = {clock.kind: i18n.when(asked.locale, clock.due_at, asked.at, zone) for clock in clocks}
    if "hold_by" in due:
        kept, till = due["hold_by"], due.get("pay_by")
        key = "payers.order.kept" if till else "payers.order.kept.last"
        return i18n.html(asked.locale, key, hold=kept, when=till or kept)
    return i18n.html(asked.locale, "payers.order.if_nobody", when=due["pay_by"])


async def ordered_from(asked: Asked) -> list[int]:
    """The shops he ordered in."""
    return await person_orders.shops_of(asked.conn, asked.person.phone_index)


async def followed(asked: Asked) -> list[int]:
    """The shops he follows."""
    rows = await follows.all_of_phone(asked.conn, asked.person.phone_index)
    return [row.shop_id for row in rows]


async def shops_by_id(conn: db.Connection, shop_ids: Sequence[int]) -> dict[int, Shop]:
    """Shops that have a page, by number."""
    found = [await shops.find(conn, shop_id) for shop_id in dict.fromkeys(shop_ids)]
    return {shop.shop_id: shop for shop in found if shop is not None and shop.slug}


async def addresses_of(
    conn: db.Connection, keyring: Keyring, phone_index: bytes, first: int | None = None
) -> list[Delivery]:
    """Where he had things sent, each once, what the shop `first` sent and then the last first."""
    rows = await person_orders.sent(conn, phone_index)
    rows.sort(key=lambda row: row.shop_id != first)  # stable: the last stays first in each part
    found = dict.fromkeys(row.to(keyring) for row in rows)
    return [each for each in found if each.street]


def order_row(
    asked: Asked,
    found: Found,
    shop: Shop,
    clocks: Sequence[Timer],
    paid: int | None = None,
    bought_at: str | None = None,
) -> SimpleNamespace:
    """An order in the list; of one that others pay too, what was `paid` on his own devices;
    `bought_at`: the shop he knows, where another ships it."""
    row = found.order
    gathers = row.kind == "chip_in" and row.status in GATHERED
    return SimpleNamespace(
        url=addresses.my_order(row.shop_id, row.number),
        shop=bought_at or shop.name,
        number=str(row.number),
        title=found.title,
        pieces=found.pieces,
        picture=SimpleNamespace(digest=found.photo, alt="") if found.photo else None,
        total=row.total,
        kind=i18n.t(asked.locale, f"my.kind.{row.kind}") if row.kind in MARKED else "",
        own=Money(paid, row.currency) if paid and row.kind in SHARED else None,
        there=Money(row.held_minor, row.currency) if gathers else None,
        placed_at=row.placed_at,
        zone=ZoneInfo(shop.zone),
        state=i18n.t(asked.locale, f"my.state.{_state(row, clocks)}"),
        waits=row.status in (*PAYABLE, *RECEIVABLE),
        silence=silence(asked, row, shop, clocks),
    )


def _state(row: Order, clocks: Sequence[Timer]) -> str:
    """The word for where an order stands; of one that others pay, what he waits for."""
    if row.status == "cancelled" and (row.held_minor or row.refunded_minor):
        return "went_back"
    shared = _shared(row, clocks)
    if row.status == "invited" and shared:
        return f"asked.{asking_a_payer.asked_as(row.kind)}"
    return "being_paid" if row.status == "placed" and shared else row.status


# Asked one after the other; what has no time of its own comes last.
WAITING: tuple[Source, ...] = (orders_waiting, letters_waiting)
SHOPS: tuple[tuple[str, ShopSource], ...] = (("followed", followed), ("ordered", ordered_from))
