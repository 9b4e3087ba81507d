"""Sharing out: of a sale's released money what is the seller's, ours, and who sold it for him.

Our fee comes off first; what is left is the re-seller's in the proportion of her margin in what the
buyer paid, and the rest the supplier's, who ships. Of what a shop sells itself, those whose shares
brought the buyer have what was agreed in the proportion of what is left to what the whole order
leaves: one after the other, so that no fen is given twice. Money that goes back comes from all in
the same proportion. It is a function of what is released by now, so parts sum to the whole.

The seller's books say it at once; a job says the same in the other's (passing_on.py). What sharers
have is frozen until the after-sale window is over (referring.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from littleshop import db, jobs
from littleshop.clock import value_date
from littleshop.ledger import chart, journals
from littleshop.ledger.journals import Transfer
from littleshop.money import Money
from littleshop.social import referrals
from littleshop.social.referrals import Referral
from littleshop.supply import resales
from littleshop.supply.resales import Resale
from littleshop.trade import fees
from littleshop.trade.fees import Rate
from littleshop.trade.orders import Order

BOOK = "reselling.book"
MIRROR = "reselling.mirror"
EARNED, TAKEN_BACK = "margin", "margin_back"  # the re-seller's journals
REFERRED, UNREFERRED = "referral", "referral_back"  # the sharer's
COMES = (EARNED, REFERRED)  # what the other shop is owed more by


class Given(msgspec.Struct, frozen=True):
    """What of a released sum another shop has for a share."""

    referral: Referral
    amount: Money


class Shares(msgspec.Struct, frozen=True):
    """Whose a released sum is; `margin` is that of the shop that sold it, `given` what sharers
    have."""

    seller: Money
    commission: Money
    margin: Money
    resale: Resale | None = None
    given: tuple[Given, ...] = ()

    @property
    def referred(self) -> Money:
        """What sharers have of it in all."""
        return sum((each.amount for each in self.given), Money(0, self.seller.currency))


def due(resale: Resale | None, total: Money, released: Money, fee: Money) -> Money:
    """The re-seller's part of what is released of an order, in whole fen downwards."""
    if resale is None or not total:
        return Money(0, total.currency)
    minor = resale.margin_minor * (released - fee).minor // total.minor
    return Money(minor, total.currency)


def earned(referred: Sequence[Referral], total: Money, released: Money, rate: Rate) -> list[Money]:
    """What each level has of what is released of an order, in whole fen downwards: of what is left
    after our fee and the level before, as it stands to what is left of all of it."""
    whole, rest, parts = (total - rate.of(total)).minor, (released - rate.of(released)).minor, []
    for each in referred:
        agreed = min(each.amount_minor, whole)
        part = agreed * rest // whole if whole else 0
        whole, rest = whole - agreed, rest - part
        parts.append(Money(part, total.currency))
    return parts


def between(
    order: Order,
    rate: Rate,
    resale: Resale | None,
    less: Money,
    more: Money,
    referred: Sequence[Referral] = (),
) -> Shares:
    """How what is released of an order beyond `less`, up to `more`, is shared out."""
    fee = rate.between(less, more)
    margin = due(resale, order.total, more, rate.of(more))
    margin -= due(resale, order.total, less, rate.of(less))
    then, before = (earned(referred, order.total, each, rate) for each in (more, less))
    more_of = zip(referred, then, before, strict=True)
    given = tuple(Given(one, by_more - by_less) for one, by_more, by_less in more_of)
    shares = Shares(more - less - fee - margin, fee, margin, resale, given)
    return msgspec.structs.replace(shares, seller=shares.seller - shares.referred)


async def of(conn: db.Connection, order: Order, less: Money, more: Money) -> Shares:
    """The same, by what was agreed for this order."""
    resale, referred = None, await referrals_of(conn, order)
    if order.kind == "resale":
        resale = await resales.of_order(conn, order.shop_id, order.order_id)
    return between(order, await fees.of_order(conn, order), resale, less, more, referred)


async def referrals_of(conn: db.Connection, order: Order) -> list[Referral]:
    """Whose shares earn of an order; nothing is read of one that no share brought."""
    if order.share_code is None:
        return []
    return await referrals.of_order(conn, order.shop_id, order.order_id)


async def pay_out(
    conn: db.Connection, order: Order, less: Money, more: Money, at: datetime
) -> bool:
    """Book what was released between the two; False when that was nothing."""
    parts = await of(conn, order, less, more)
    given = [(chart.PAYABLE, parts.seller), (chart.COMMISSION, parts.commission)]
    given.append((chart.REFERRAL_HELD, parts.referred))
    if parts.resale is not None:
        given.append((chart.due_to(parts.resale.sold_by_shop_id), parts.margin))
    transfers = [Transfer(chart.ESCROW, account, part) for account, part in given if part]
    if not transfers:  # settled directly, or all of it went back
        return False
    reference = str(order.order_id)
    await _post(conn, order, "received", reference, transfers, at)
    await _tell(conn, order, parts, EARNED, reference, at)
    return True


async def claw_back(
    conn: db.Connection, order: Order, amount: Money, reference: str, at: datetime
) -> None:
    """The seller, our commission, sharers and who sold it give back what they had of it; `payable`
    may fall below zero and is made up for by the next sales. The re-seller's part she owes the
    supplier; so does a sharer, unless it is frozen still."""
    parts = await in_released(conn, order, amount)
    taken = [(chart.PAYABLE, parts.seller), (chart.COMMISSION, parts.commission)]
    if is_frozen(order):
        taken.append((chart.REFERRAL_HELD, parts.referred))
    else:
        taken += [(chart.due_from(one.referral.earner_shop_id), one.amount) for one in parts.given]
    if parts.resale is not None:
        taken.append((chart.due_from(parts.resale.sold_by_shop_id), parts.margin))
    transfers = [Transfer(account, chart.ESCROW, part) for account, part in taken if part]
    await _post(conn, order, "clawed_back", reference, transfers, at)
    await _tell(conn, order, parts, TAKEN_BACK, reference, at)
    if not is_frozen(order):
        await tell_sharers(conn, order, parts.given, UNREFERRED, reference, at)


def is_frozen(order: Order) -> bool:
    """Whether what sharers have of an order may not be theirs yet: its after-sale window is open,
    or stands still while somebody wants something back."""
    return order.status != "closed"


async def in_released(conn: db.Connection, order: Order, amount: Money) -> Shares:
    """Whose this last part of what was released of an order is."""
    before = Money(order.released_minor, order.currency)
    return await of(conn, order, before - amount, before)


async def _post(
    conn: db.Connection,
    order: Order,
    kind: str,
    reference: str,
    transfers: list[Transfer],
    at: datetime,
) -> None:
    await journals.post(
        conn,
        order.shop_id,
        kind=kind,
        reference=reference,
        order_id=order.order_id,
        value_on=value_date(at),
        booked_at=at,
        transfers=transfers,
    )


async def _tell(
    conn: db.Connection, order: Order, parts: Shares, kind: str, reference: str, at: datetime
) -> None:
    """Have the books of the shop that sold it say the same."""
    if parts.resale is not None and parts.margin:
        to_shop = parts.resale.sold_by_shop_id
        await _have_booked(conn, order, to_shop, parts.margin, kind, reference, at)


async def tell_sharers(
    conn: db.Connection,
    order: Order,
    given: Sequence[Given],
    kind: str,
    reference: str,
    at: datetime,
) -> None:
    """Have the books of the sharers' shops say what ours say of them."""
    for each in given:
        if each.amount:
            to_shop = each.referral.earner_shop_id
            await _have_booked(conn, order, to_shop, each.amount, kind, reference, at)


async def _have_booked(
    conn: db.Connection,
    order: Order,
    to_shop_id: int,
    amount: Money,
    kind: str,
    reference: str,
    at: datetime,
) -> None:
    await jobs.defer(
        conn,
        BOOK,
        at=at,
        shop_id=to_shop_id,
        kind=kind,
        reference=named(order.shop_id, reference),
        from_shop_id=order.shop_id,
        order_id=str(order.order_id),
        minor=amount.minor,
        currency=amount.currency,
        value_on=value_date(at).isoformat(),
    )


def named(shop_id: int, reference: str) -> str:
    """What a shop's journal is called in the books of another."""
    return f"{shop_id}/{reference}"


async def have_mirrored(conn: db.Connection, order: Order, at: datetime, *, about: str) -> None:
    """Have the shop that sold an order know it, and hear of it. `about`: placed or paid."""
    if order.kind != "resale":
        return
    await jobs.defer(
        conn, MIRROR, at=at, from_shop_id=order.shop_id, order_id=str(order.order_id), about=about
    )


def day(text: str) -> date:
    """A value date as a job carries it."""
    return date.fromisoformat(text)
