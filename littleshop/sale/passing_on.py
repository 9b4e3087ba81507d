"""Passing on: what a supplier's books say he owes the shop that sold for him, hers say too, and the
money itself follows.

Each step is one transaction in one shop and a job under a name that the step before derived: the
journal in the other's books first, then the money, out of what the rails owe the debtor beyond what
his buyers and he himself are owed. A kill between two repeats the second, which finds itself done.
What cannot be passed on yet is tried again every hour: a re-seller who was paid out already gives
back what was clawed back out of her next sales.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec

from littleshop import db, ids, jobs
from littleshop.clock import value_date
from littleshop.crypto import Keyring
from littleshop.errors import GatewayError
from littleshop.ledger import accounts, chart, cover, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.sale import sharing_out, telling_resellers, telling_sharers
from littleshop.supply import resales
from littleshop.supply.resales import ResoldOrder
from littleshop.trade import order_words, orders

PASS_ON, COME_OVER, SWEEP = "reselling.pass_on", "reselling.come_over", "reselling.pass_on_all"
PASSED_ON, CAME_OVER = "passed_on", "came_over"  # journals of who owed, and of who was owed
TIMETABLE: dict[str, jobs.Every | jobs.Daily] = {SWEEP: jobs.Every(3600)}


class Booking(msgspec.Struct, frozen=True):
    """A journal that a supplier's books have, as the re-seller's are to have it: `kind` margin or
    margin_back; or a seller's, as a sharer's: referral or referral_back."""

    shop_id: int
    from_shop_id: int
    order_id: UUID
    kind: str
    reference: str
    amount: Money
    value_on: str


async def mirror(
    database: db.Database, keyring: Keyring, from_shop_id: int, order_id: UUID
) -> ResoldOrder | None:
    """Write an order into the books of the shop that sold it; again is harmless. None for one that
    its own shop sold."""
    async with database.connection() as conn:
        resale = await resales.of_order(conn, from_shop_id, order_id)
        order = await orders.get(conn, from_shop_id, order_id)
    if resale is None or order is None:
        return None
    name = order.delivery(keyring).name
    row = ResoldOrder(
        shop_id=resale.sold_by_shop_id,
        from_shop_id=from_shop_id,
        order_id=order_id,
        number=0,
        order_number=order.number,
        phone_index=order.phone_index,
        name_sealed=keyring.seal(name),
        currency=order.currency,
        total_minor=order.total_minor,
        margin_minor=resale.margin_minor,
        placed_at=order.placed_at,
    )

    async def work(conn: db.Connection) -> ResoldOrder | None:
        new = await resales.mirror(conn, row)
        found = await resales.find(conn, row.shop_id, from_shop_id, order_id)
        if new and found is not None:
            words = order_words.of_buyer(keyring, row.shop_id, name, use=order_words.RESOLD)
            await order_words.write(conn, row.shop_id, [(found.number, word) for word in words])
        return found

    return await database.transaction(work)


async def book(conn: db.Connection, booking: Booking, at: datetime) -> bool:
    """The re-seller's side of what the supplier's books said, on the same business day; False when
    it stood there."""
    supplier = booking.from_shop_id
    if booking.kind in sharing_out.COMES:
        transfer = Transfer(chart.due_from(supplier), chart.PAYABLE, booking.amount)
        debtor, creditor = supplier, booking.shop_id
    else:
        transfer = Transfer(chart.PAYABLE, chart.due_to(supplier), booking.amount)
        debtor, creditor = booking.shop_id, supplier
    new = await journals.post(
        conn,
        booking.shop_id,
        kind=booking.kind,
        reference=booking.reference,
        value_on=sharing_out.day(booking.value_on),
        booked_at=at,
        transfers=[transfer],
    )
    if new:
        of = (booking.shop_id, booking.kind, booking.amount, booking.reference)
        await telling_sharers.booked(conn, *of, at)
    await _have_passed(conn, debtor, creditor, booking.amount.currency, at)
    return new


async def _have_passed(
    conn: db.Connection, debtor: int, creditor: int, currency: str, at: datetime
) -> None:
    await jobs.defer(
        conn, PASS_ON, at=at, key=f"{debtor}/{creditor}/{currency}", shop_id=debtor,
        to_shop_id=creditor, currency=currency,
    )  # fmt: skip


async def pass_on(
    conn: db.Connection, shop_id: int, to_shop_id: int, currency: str, at: datetime
) -> Money:
    """The money of what this shop owes another, as far as it lies at the rails and is nobody's
    else, is the other's from now on; how much that was. Who is owed less comes first: one large
    debt does not eat what was set aside for the others."""
    account = chart.due_to(to_shop_id)
    held = await accounts.lock_all(conn, shop_id, currency)
    rails = {name: minor for name, minor in held.items() if name.startswith(_RAILS)}
    free = _free(held) - _owed_before(held, account)
    amount = Money(max(min(held.get(account, 0), free, sum(rails.values())), 0), currency)
    if not amount:
        return amount
    parts, left = [], amount.minor
    for name, minor in sorted(rails.items(), key=lambda each: (-each[1], each[0])):
        part = min(minor, left)
        if part > 0:
            parts.append((name, part))
            left -= part
    stamp = str(ids.uuid7(at))
    await journals.post(
        conn,
        shop_id,
        kind=PASSED_ON,
        reference=sharing_out.named(to_shop_id, stamp),
        value_on=value_date(at),
        booked_at=at,
        transfers=[Transfer(account, name, Money(part, currency)) for name, part in parts],
    )
    await jobs.defer(
        conn, COME_OVER, at=at, shop_id=to_shop_id, from_shop_id=shop_id,
        reference=sharing_out.named(shop_id, stamp), parts=parts, currency=currency,
        value_on=value_date(at).isoformat(),
    )  # fmt: skip
    return amount


def _owed_before(held: dict[str, int], account: str) -> int:
    """What the sellers are owed, beyond what they owe, whom this shop owes less than the one of
    this account."""
    mine = (held.get(account, 0), account)
    others = [(chart.due_to(other), minor) for other, minor in cover.owed_to(held).items()]
    return sum(minor for name, minor in others if (held[name], name) < mine)


def _free(held: dict[str, int]) -> int:
    """What lies with the rails and the bank beyond what buyers and the shop itself are owed of
    it."""
    spoken_for = sum(max(held.get(name, 0), 0) for name in _OWED)
    return cover.lies(held) + cover.not_here(held) - spoken_for


async def come_over(
    conn: db.Connection,
    shop_id: int,
    from_shop_id: int,
    *,
    reference: str,
    parts: list[tuple[str, Money]],
    value_on: str,
    at: datetime,
) -> bool:
    """The other side: so much of what the rails hold is this shop's. False when it stood there.
    Raises GatewayError(retryable) while its own books do not say yet that it is owed so much: the
    sweep may pass on before they do."""
    account, currency = chart.due_from(from_shop_id), parts[0][1].currency
    if await journals.find(conn, shop_id, CAME_OVER, reference) is None:
        owed = (await accounts.lock(conn, shop_id, [account], currency)).get(account, 0)
        if owed < sum(part.minor for _, part in parts):
            raise GatewayError(f"shop {shop_id} does not know what it is owed yet", retryable=True)
    return await journals.post(
        conn,
        shop_id,
        kind=CAME_OVER,
        reference=reference,
        value_on=sharing_out.day(value_on),
        booked_at=at,
        transfers=[Transfer(name, account, part) for name, part in parts],
    )


async def sweep(database: db.Database, at: datetime) -> None:
    """Try again whatever is owed between sellers: a job for each pair, so that one that cannot be
    done is held for a person and stops no other."""
    async with database.connection() as conn:
        owed = await accounts.owed_between(conn)

    async def again(conn: db.Connection) -> None:
        for debtor, creditor, currency in owed:
            one = {"shop_id": debtor, "to_shop_id": creditor, "currency": currency}
            if not await jobs.exists(conn, PASS_ON, **one):
                await _have_passed(conn, debtor, creditor, currency, at)

    await database.transaction(again)


_OWED = (
    chart.ESCROW, chart.PAYABLE, chart.IN_TRANSIT, chart.SUSPENSE, chart.REFERRAL_HELD
)  # fmt: skip
_RAILS = chart.gateway_clearing("")


def tasks(keyring: Keyring) -> dict[str, jobs.Task]:
    """The jobs between two shops' books."""

    async def run_mirror(
        context: jobs.Context, *, from_shop_id: int, order_id: str, about: str
    ) -> None:
        row = await mirror(context.database, keyring, from_shop_id, UUID(order_id))
        if row is not None and about == "paid":
            told = partial(telling_resellers.paid, row=row, at=context.at)
            await context.database.transaction(told)

    async def run_book(context: jobs.Context, **said: object) -> None:
        booking = _booking(said)
        await mirror(context.database, keyring, booking.from_shop_id, booking.order_id)
        await context.database.transaction(partial(book, booking=booking, at=context.at))

    async def run_pass(
        context: jobs.Context, *, shop_id: int, to_shop_id: int, currency: str
    ) -> None:
        await context.database.transaction(
            partial(pass_on, shop_id=shop_id, to_shop_id=to_shop_id, currency=currency,
                    at=context.at)
        )  # fmt: skip

    async def run_come(
        context: jobs.Context, *, shop_id: int, from_shop_id: int, reference: str,
        parts: list[tuple[str, int]], currency: str, value_on: str,
    ) -> None:  # fmt: skip
        sums = [(name, Money(minor, currency)) for name, minor in parts]
        done = partial(come_over, shop_id=shop_id, from_shop_id=from_shop_id, reference=reference,
                       parts=sums, value_on=value_on, at=context.at)  # fmt: skip
        await context.database.transaction(done)

    async def run_sweep(context: jobs.Context) -> None:
        await sweep(context.database, context.at)

    return {
        sharing_out.MIRROR: jobs.Task(run_mirror, attempts=40),
        sharing_out.BOOK: jobs.Task(run_book, attempts=40),
        PASS_ON: jobs.Task(run_pass, attempts=40),
        COME_OVER: jobs.Task(run_come, attempts=40),
        SWEEP: jobs.Task(run_sweep, attempts=3),
    }


def _booking(said: dict[str, object]) -> Booking:
    """A booking as its job carries it."""
    amount = Money(int(str(said["minor"])), str(said["currency"]))
    rest = {name: said[name] for name in Booking.__struct_fields__ if name != "amount"}
    return msgspec.convert({**rest, "amount": msgspec.to_builtins(amount)}, Booking)
