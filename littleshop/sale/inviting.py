"""Inviting: a seller writes a letter with things and prices in it, somebody takes it up and pays.

An invitation is not an order. Each time it is taken up an order is placed in one transaction that
takes a use of it (a claim), so that of two who press at the same second one has it. What it keeps
for one person is held in stock from sending on, and goes over to his order in that transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids, jobs
from littleshop.catalog import drafts, photos, products, provinces, stock
from littleshop.catalog.drafts import ProductDraft, VariantDraft
from littleshop.crypto import Keyring
from littleshop.errors import NotFound, Refused
from littleshop.money import Money
from littleshop.notify import messages
from littleshop.notify.messages import Recipient
from littleshop.pricing import facts as pricing_facts
from littleshop.pricing import quotes
from littleshop.pricing.quotes import Agreed, Item, Quote
from littleshop.sale import asking_a_payer, closing, placing, taking_up, talking
from littleshop.sale.placing import HOLD, HOLD_LAST, Placed, Placing
from littleshop.sale.taking_up import LAPSE as LAPSE
from littleshop.sale.taking_up import why_not as why_not
from littleshop.shop import shops
from littleshop.trade import claims, invitations, letters, takers, timers
from littleshop.trade.invitations import Invitation, InvitationDraft, Line, Named

MOST_LINES = 20
_NAMES = UUID("0a52f6d7-39c5-4b53-8f0e-7f6f7b0a6d3e")  # of the products made for an invitation


class Photo(msgspec.Struct, frozen=True):
    """A picture that was developed before: its public files, the size of the largest in pixels."""

    file: str
    width: int
    height: int
    colour: str


class Own(msgspec.Struct, frozen=True):
    """A line that is not on the shelf: what it is, its price, how many of it one buyer gets."""

    title: str
    unit_minor: int
    quantity: int = 1
    photo: Photo | None = None


async def write(
    conn: db.Connection,
    keyring: Keyring,
    shop_id: int,
    invitation_id: UUID,
    letter: InvitationDraft,
    picked: Sequence[Named],
    own: Sequence[Own],
    *,
    person_id: UUID,
    at: datetime,
) -> None:
    """Keep a draft; what is not on the shelf becomes an unlisted product with as many pieces as may
    be paid for. A second press finds the first.

    Raises Refused: invitation_empty, invitation_lines(most=), quantity_wrong, too_large, cart_empty
    (a sum of nothing) and what drafts.check raises of a line of its own.
    """
    if not picked and not own:
        raise Refused("invitation_empty")
    if len(picked) + len(own) > MOST_LINES:
        raise Refused("invitation_lines", most=MOST_LINES)
    made = [
        await _make(conn, shop_id, ids.derived(_NAMES, f"{invitation_id}:{place}"), each, letter,
                    person_id=person_id, at=at)
        for place, each in enumerate(own)
    ]  # fmt: skip
    lines = [*picked, *made]
    token_hash = ids.hashed(token(keyring, shop_id, invitation_id))
    written = await invitations.write(
        conn, shop_id, invitation_id, letter, lines, token_hash=token_hash, person_id=person_id,
        at=at,
    )  # fmt: skip
    if written:
        await quote(conn, await invitations.get(conn, shop_id, invitation_id))


async def _make(
    conn: db.Connection,
    shop_id: int,
    product_id: UUID,
    own: Own,
    letter: InvitationDraft,
    *,
    person_id: UUID,
    at: datetime,
) -> Named:
    """A thing that only invitations sell."""
    kind = VariantDraft((), own.unit_minor, own.quantity * letter.uses)
    checked = drafts.check(ProductDraft(own.title, (kind,), status="draft"))
    draft = msgspec.structs.replace(checked, status="unlisted")
    new = await products.create(conn, shop_id, product_id, draft, at=at, person_id=person_id)
    if new and own.photo is not None:
        seen = msgspec.structs.asdict(own.photo)
        await photos.add(conn, shop_id, product_id, at=at, **seen)
    variant = (await products.variants(conn, shop_id, product_id))[0]
    return Named(product_id, variant.variant_id, own.quantity, own.unit_minor)


def token(keyring: Keyring, shop_id: int, invitation_id: UUID) -> str:
    """The token of its link, derived: the console can show it again, the database cannot."""
    return ids.invitation_token(keyring.link_key, shop_id, invitation_id)


def agreed(invitation: Invitation, lines: Sequence[Line]) -> Agreed:
    """The prices between the two."""
    prices = {line.variant_id: line.unit_minor for line in lines}
    return Agreed("invited", prices, shipping=invitation.shipping_minor, unlisted=True)


def items(lines: Sequence[Line]) -> tuple[Item, ...]:
    """What it names, as an order names it."""
    return tuple(Item(line.variant_id, line.quantity) for line in lines)


def way_of(invitation: Invitation, wanted: str = "courier") -> str:
    """How an order that takes it up is handed over."""
    if invitation.way == "none":
        return "none"
    return "courier" if wanted in ("none", "local") else wanted


async def quote(
    conn: db.Connection,
    invitation: Invitation,
    way: str = "courier",
    to: str = provinces.UNKNOWN,
) -> Quote:
    """What it comes to for who has it handed over so, in the province with the code `to`. Raises
    what quotes.quote raises."""
    lines = await invitations.lines(conn, invitation.shop_id, invitation.invitation_id)
    wanted = [line.variant_id for line in lines]
    facts = await pricing_facts.load(conn, invitation.shop_id, wanted)
    how = way_of(invitation, way)
    return quotes.quote(facts, items(lines), how, agreed(invitation, lines), to=to)


async def send(conn: db.Connection, shop_id: int, invitation_id: UUID, at: datetime) -> None:
    """Open it: from now whoever has the link may take it up; a second press finds it open.

    Raises Refused: stock_short(left=, title=), variant_gone when it is to keep what is not there;
    shop_closed_for_good.
    """
    await closing.refuse(conn, shop_id)
    invitation = await invitations.get(conn, shop_id, invitation_id)
    if not await invitations.send(conn, invitation, holding=invitation.keeps, at=at):
        return
    await claims.open_(conn, shop_id, invitation_id, "invitation", invitation.uses)
    if invitation.wish_id is not None:
        await talking.answer_with(conn, shop_id, invitation.wish_id, invitation.invitation_id, at)
    if invitation.keeps:
        await stock.keep(conn, shop_id, await taking_up.pieces(conn, invitation))
        due = at + timedelta(hours=invitation.hours)
        await timers.start(conn, shop_id, invitation_id, LAPSE, due)


async def accept(
    conn: db.Connection, keyring: Keyring, invitation_id: UUID, wish: Placing, at: datetime
) -> Placed:
    """Somebody takes it up: place his order (kind invitation) and take a use, all or nothing. The
    same key finds the same order, also when none is left.

    Raises Refused: invitation_expired, invitation_cancelled, invitation_used, invitation_taken,
    last_let_lapse,
    price_changed(now=, seen=), terms_changed, invitation_moved and what placing.place raises;
    NotFound; Conflict.
    """
    shop_id = wish.shop_id
    invitation = await invitations.get(conn, shop_id, invitation_id)
    if invitation.sent_at is None:
        raise Refused("invitation_cancelled")
    claim = await claims.lock(conn, shop_id, invitation_id)
    invitation = await invitations.get(conn, shop_id, invitation_id)
    no = why_not(invitation, at)
    if no is None:
        await taking_up.let_go(conn, invitation)
    try:
        placed, new = await _place(conn, keyring, invitation, wish, at)
    except Refused as refused:
        raise (no or refused) from refused
    if new and no is not None:
        raise no
    if new:
        await claims.need_patience(conn, claim, placed.order_id, at)
        if not await claims.take(conn, shop_id, placed.order_id, invitation_id):
            raise Refused("invitation_taken")
    return placed


async def ask_a_payer(
    conn: db.Connection,
    keyring: Keyring,
    invitation_id: UUID,
    wish: Placing,
    note: letters.Letter,
    at: datetime,
) -> Placed:
    """Somebody takes it up and has another pay: his order waits, with words for who pays. It takes
    a use, and what the letter keeps, only when somebody goes to pay; it ends with the letter.

    A second press finds the first one's. Raises what `accept` raises.
    """
    shop_id = wish.shop_id
    invitation = await invitations.get(conn, shop_id, invitation_id)
    if invitation.sent_at is None:
        raise Refused("invitation_cancelled")
    await claims.lock(conn, shop_id, invitation_id)
    invitation = await invitations.get(conn, shop_id, invitation_id)
    no, kept = why_not(invitation, at), dict[UUID, int]()
    if no is None and invitation.holding:
        kept = await taking_up.pieces(conn, invitation)
    if kept:  # placing counts what anybody can have: what is kept for him is his
        await stock.let_go(conn, shop_id, kept)
    try:
        placed, new = await _place(conn, keyring, invitation, wish, at, waits=True)
    except Refused as refused:
        raise (no or refused) from refused
    if new and no is not None:
        raise no
    if kept:
        await stock.keep(conn, shop_id, kept)
    if new:
        await claims.want(conn, shop_id, placed.order_id, invitation_id)
        await asking_a_payer.send(conn, keyring, shop_id, placed.order_id, note, at)
    return placed


async def _place(
    conn: db.Connection,
    keyring: Keyring,
    invitation: Invitation,
    wish: Placing,
    at: datetime,
    *,
    waits: bool = False,
) -> tuple[Placed, bool]:
    lines = await invitations.lines(conn, invitation.shop_id, invitation.invitation_id)
    gone = next((line for line in lines if not line.to_be_had), None)
    if gone is not None:
        raise Refused("variant_gone", title=gone.title)
    told = await quote(conn, invitation, wish.way, placing.where(wish.delivery))
    if wish.said is not None and wish.said != placing.said(told, waits=False):
        raise Refused("terms_changed")
    own = msgspec.structs.replace(
        wish, items=items(lines), way=way_of(invitation, wish.way), kind="invitation", waits=waits
    )
    within = HOLD_LAST if invitation.left == 1 else HOLD
    if waits:
        assert invitation.expires_at is not None
        within = min(asking_a_payer.PAY_WITHIN["pay_for_me"], invitation.expires_at - at)
    try:
        return await placing.place_within(
            conn, keyring, own, pay_within=within,
            agreed=agreed(invitation, lines), at=at,
        )  # fmt: skip
    except Refused as no:
        if no.code == "price_changed" and "now" not in no.details:
            raise Refused("invitation_moved") from no  # the shop changed between two statements
        raise


async def refuse(conn: db.Connection, shop_id: int, invitation_id: UUID, at: datetime) -> None:
    """Not this time: the seller sees it; it stays open, for he may change his mind. Of a letter to
    many nobody says no for the others."""
    invitation = await invitations.get(conn, shop_id, invitation_id)
    if invitation.uses == 1:
        await invitations.refuse(conn, shop_id, invitation_id, at)


async def cancel(conn: db.Connection, shop_id: int, invitation_id: UUID, at: datetime) -> None:
    """Nobody may take it up any more, nor have back a use that he did not pay in time; who is
    paying now may still pay, and what waits for a payer ends (recalling.py). Again is harmless.
    Raises Refused("invitation_used").
    """
    if await invitations.cancel(conn, shop_id, invitation_id, at, was="draft"):
        return  # the row decides: who sends it at the same second finds no draft
    if (await invitations.get(conn, shop_id, invitation_id)).sent_at is None:
        return
    await claims.lock(conn, shop_id, invitation_id)
    invitation = await invitations.get(conn, shop_id, invitation_id)
    if invitation.state(at) == "paid":
        raise Refused("invitation_used")
    await claims.shut(conn, shop_id, invitation_id)
    if await invitations.stop_holding(conn, shop_id, invitation_id):
        await stock.let_go(conn, shop_id, await taking_up.pieces(conn, invitation))
    await invitations.cancel(conn, shop_id, invitation_id, at, was="sent")
    await timers.cancel(conn, shop_id, invitation_id, LAPSE)
    await _end_what_waits(conn, shop_id, invitation_id, at)


async def _end_what_waits(
    conn: db.Connection, shop_id: int, invitation_id: UUID, at: datetime
) -> None:
    """Of the orders that another is to pay those end that nobody is paying; the others can be paid
    for as long as their pieces are kept, and no longer."""
    for each in await takers.of(conn, shop_id, invitation_id):
        if each.status == "invited":
            at_once = {"shop_id": shop_id, "order_id": str(each.order_id)}
            await jobs.defer(conn, taking_up.RECALL, at=at, key=str(each.order_id), **at_once)
        elif each.status == "placed" and each.waited:
            await timers.cancel(conn, shop_id, each.order_id, "pay_by")


async def lapse(conn: db.Connection, timer: timers.Timer, at: datetime) -> bool:
    """Its time is over: what it kept goes back to the shelf. False when that was done."""
    shop_id, invitation_id = timer.shop_id, timer.subject
    await claims.lock(conn, shop_id, invitation_id)
    if not await timers.claim(conn, timer, at):
        return False
    invitation = await invitations.get(conn, shop_id, invitation_id)
    if await invitations.stop_holding(conn, shop_id, invitation_id):
        await stock.let_go(conn, shop_id, await taking_up.pieces(conn, invitation))
    return True


async def remind(
    conn: db.Connection, shop_id: int, invitation_id: UUID, *, locale: str, at: datetime
) -> None:
    """Send him the link by SMS, twice at most.

    Raises Refused: invitation_no_phone, invitation_reminded, and why it is not open.
    """
    invitation = await invitations.get(conn, shop_id, invitation_id)
    if invitation.phone_sealed is None:
        raise Refused("invitation_no_phone")
    no = why_not(invitation, at)
    if no is not None:
        raise no
    count = await invitations.remind(conn, shop_id, invitation_id, at)
    if not count:
        raise Refused("invitation_reminded")
    shop = await shops.get(conn, shop_id)
    await messages.send(
        conn,
        shop_id,
        [Recipient(None, invitation.phone_sealed, locale)],
        about="invitation_waits",
        subject=invitation_id,
        occasion=str(count),
        at=at,
        shop=shop.name,
        amount=(await quote(conn, invitation)).total,
    )


async def amend(
    conn: db.Connection,
    shop_id: int,
    invitation_id: UUID,
    *,
    words: str,
    shipping: Money | None,
    prices: Mapping[UUID, int],
    hours: int | None,
    at: datetime,
) -> None:
    """Other words, prices, postage (None: as the shop charges by region); with `hours` open for so
    long from now.

    Raises Refused: invitation_taken while somebody pays it, invitation_used, invitation_cancelled;
    NotFound, also of a draft.
    """
    if (await invitations.get(conn, shop_id, invitation_id)).sent_at is None:
        raise NotFound("invitation")
    await claims.lock(conn, shop_id, invitation_id)
    invitation = await invitations.get(conn, shop_id, invitation_id)
    no = why_not(invitation, at)
    if no is not None and no.code != "invitation_expired":
        raise no
    assert invitation.expires_at is not None
    ends = invitation.expires_at if hours is None else at + timedelta(hours=hours)
    await invitations.amend(
        conn, invitation, words=words, shipping_minor=None if shipping is None else shipping.minor,
        expires_at=ends,
        prices=dict(prices), at=at,
    )  # fmt: skip
    await quote(conn, await invitations.get(conn, shop_id, invitation_id))
    if invitation.holding:
        await timers.start(conn, shop_id, invitation_id, LAPSE, ends)
