"""Admitting: a seller becomes a sub-merchant of each institution that holds money (psp_escrow).

`begin` writes what is asked, with our reference, once identity and card are verified, again for a
changed card, and again (`again`) when the seller wants it after a refusal. `send` is a job: it asks
under that reference, so a kill after the call asks for the same thing, and then how it stands, at
growing distances, until it is final. The seller signs at the institution himself (`sign_url`);
he is told when it waits for that, and when he is in.

An institution that wants photos of the id card is not asked before they are there: the admission
says so, and `shown` goes on with it (showing_id_card.py keeps them).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from uuid import UUID

from littleshop import db, i18n, jobs
from littleshop.crypto import Keyring
from littleshop.entry import showing_id_card
from littleshop.errors import Conflict, GatewayError
from littleshop.files import Files
from littleshop.notify import live, messages
from littleshop.notify.live import Event
from littleshop.pay.gateways import Escrow
from littleshop.pay.gateways.escrow import Admission as Answer
from littleshop.pay.gateways.escrow import AdmissionRequest
from littleshop.shop import admissions, cards, id_photos, merchants, shops, staff
from littleshop.shop.admissions import Admission
from littleshop.shop.id_photos import IdPhotos
from littleshop.trade import counters

SEND, SWEEP, CLEAR = "admitting.send", "admissions.sweep", "id_photos.clear"
INVITE = "waiting.invite"  # orders that waited for a rail (sale/waiting.py)
CHINA = "+86"
PAUSE = timedelta(seconds=10)  # a seller's own look is not made more often
SHORTEST, LONGEST = timedelta(seconds=20), timedelta(hours=1)


async def begin(
    conn: db.Connection, shop_id: int, gateways: Collection[str], at: datetime
) -> list[Admission]:
    """Ask every institution that has not been asked about this shop's card; what was asked now.

    Nothing is asked before identity and card are verified, while another asking is open, or of an
    institution that has refused this card (`again` does that).
    """
    return await _begin(conn, shop_id, gateways, at, after_refusal=False)


async def again(
    conn: db.Connection, shop_id: int, gateways: Collection[str], at: datetime
) -> list[Admission]:
    """The seller wants to be asked for once more, after a refusal."""
    return await _begin(conn, shop_id, gateways, at, after_refusal=True)


async def _begin(
    conn: db.Connection,
    shop_id: int,
    gateways: Collection[str],
    at: datetime,
    *,
    after_refusal: bool,
) -> list[Admission]:
    merchant = await merchants.find(conn, shop_id)
    card = await cards.active(conn, shop_id)
    if merchant is None or card is None or {merchant.verdict, card.verdict} != {"matched"}:
        return []
    shop = await shops.get(conn, shop_id)
    asked = []
    for gateway in sorted(gateways):
        known = await admissions.latest(conn, shop_id, gateway)
        if known is not None and known.card_id == card.card_id:
            wanted = known.status == "refused" and after_refusal
        else:
            wanted = True
        if not wanted:
            continue
        new = await admissions.ask(
            conn, shop_id, gateway, card_id=card.card_id, shop_name=shop.name, at=at
        )
        if new is not None:
            asked.append(new)
            await _have_sent(conn, new, at)
    return asked


async def look(conn: db.Connection, shop_id: int, at: datetime) -> None:
    """The seller wants to know now: every institution that has not said the last word is asked at
    once, as far as it was not just asked."""
    for each in await admissions.of_shop(conn, shop_id):
        is_due = each.heard_at is None or each.heard_at <= at - PAUSE
        if each.status in admissions.OPEN and not each.lacks_id_card and is_due:
            await _have_sent(conn, each, at)


async def _have_sent(conn: db.Connection, admission: Admission, at: datetime) -> None:
    await jobs.defer(
        conn,
        SEND,
        at=at,
        key=str(admission.admission_id),
        shop_id=admission.shop_id,
        admission_id=str(admission.admission_id),
    )


async def shown(
    conn: db.Connection, photos: IdPhotos, wanting: Collection[str], at: datetime
) -> None:
    """Both photos are there: whoever waits for them is asked, and who refused is asked again."""
    shop_id = photos.shop_id
    await counters.lock(conn, shop_id)  # a job that finds them missing now has not said so yet
    await id_photos.complete(conn, photos, at)
    for each in await admissions.of_shop(conn, shop_id):
        if each.gateway in wanting and each.status in admissions.OPEN:
            await admissions.lack_id_card(conn, each, lacks=False)
            await _have_sent(conn, each, at)
    refused = [one for one in await _last(conn, shop_id, wanting) if one.status == "refused"]
    await again(conn, shop_id, [one.gateway for one in refused], at)


async def _last(conn: db.Connection, shop_id: int, gateways: Collection[str]) -> list[Admission]:
    found = [await admissions.latest(conn, shop_id, each) for each in sorted(gateways)]
    return [one for one in found if one is not None]


async def photos_fit(
    conn: db.Connection, shop_id: int, wanting: Collection[str]
) -> Literal["", "missing", "again"]:
    """Whether photos of the id card are asked for: `missing` while an institution cannot be asked
    without them, `again` where they may be given (anew): kept and not shown yet, or refused."""
    merchant = await merchants.find(conn, shop_id)
    card = await cards.active(conn, shop_id)
    if not wanting or merchant is None or card is None:
        return ""
    if "mismatched" in (merchant.verdict, card.verdict):
        return ""
    last = await _last(conn, shop_id, wanting)
    unasked = [one for one in last if one.status == "asked" and one.heard_at is None]
    if unasked or len(last) < len(wanting):
        return "again" if await id_photos.newest(conn, shop_id) else "missing"
    return "again" if any(one.status == "refused" for one in last) else ""


async def send(
    database: db.Database,
    keyring: Keyring,
    files: Files,
    escrows: Mapping[str, Escrow],
    shop_id: int,
    admission_id: UUID,
    at: datetime,
) -> None:
    """Ask for it, or how it stands, and hear. Raises GatewayError."""
    async with database.connection() as conn:
        admission = await admissions.get(conn, shop_id, admission_id)
    assert admission is not None, admission_id
    if admission.status not in admissions.OPEN:
        return
    escrow = escrows.get(admission.gateway)
    if escrow is None:
        raise GatewayError(f"{admission.gateway} admits nobody now", retryable=True)
    answer = await escrow.admission(admission.reference)
    if answer.status == "unknown":  # it never heard of it
        id_card = None
        if escrow.wants_id_card:
            id_card = await showing_id_card.read(database, keyring, files, shop_id)
            if id_card is None:
                await database.transaction(partial(_lacks, admission=admission, at=at))
                return
        async with database.connection() as conn:
            wanted = await _request(conn, keyring, admission, id_card)
        answer = await _ask(escrow, wanted)
    await database.transaction(partial(hear, admission=admission, answer=answer, at=at))
    if escrow.wants_id_card:
        wanting = showing_id_card.wanting(escrows)
        await showing_id_card.clear(database, files, wanting, at, shop_id)


async def _lacks(conn: db.Connection, admission: Admission, at: datetime) -> None:
    """Nobody is asked until the photos are there; those that came just now go on at once."""
    await counters.lock(conn, admission.shop_id)
    if await id_photos.newest(conn, admission.shop_id) is None:
        await admissions.lack_id_card(conn, admission, lacks=True)
    else:
        await _have_sent(conn, admission, at)


async def _ask(escrow: Escrow, wanted: AdmissionRequest) -> Answer:
    """Have him admitted; an institution's no to the request itself is a refusal."""
    try:
        return await escrow.admit(wanted)
    except Conflict as other:
        return Answer(status="refused", said=str(other))
    except GatewayError as no:
        if no.retryable:
            raise
        return Answer(status="refused", said=str(no))


async def _request(
    conn: db.Connection,
    keyring: Keyring,
    admission: Admission,
    id_card: tuple[bytes, bytes] | None,
) -> AdmissionRequest:
    """What an institution is told: the same at each repeat."""
    merchant = await merchants.find(conn, admission.shop_id)
    card = await cards.get(conn, admission.shop_id, admission.card_id)
    assert merchant is not None and card is not None, admission.admission_id
    bank = cards.bank(card.bank_code)
    return AdmissionRequest(
        reference=admission.reference,
        shop_name=admission.shop_name or "littleshop",
        legal_name=keyring.open(merchant.name_sealed),
        id_number=keyring.open(merchant.id_number_sealed),
        phone=keyring.open(card.phone_sealed).removeprefix(CHINA),  # as they are written there
        card_number=keyring.open(card.number_sealed),
        bank_code=card.bank_code,
        bank_name=card.bank_code if bank is None else bank.zh,
        id_card=id_card,
    )


async def hear(conn: db.Connection, admission: Admission, answer: Answer, at: datetime) -> str:
    """Write how it stands and, unless it is final, when it is asked about next; the state."""
    if answer.status == "admitted" and answer.merchant_id is not None:
        return await _admitted(conn, admission, answer.merchant_id, at)
    if answer.status == "refused":
        await admissions.hear(conn, admission, status="refused", said=answer.said[:500], at=at)
        return await _stands(conn, admission)
    status = "signing" if answer.status == "signing" and answer.sign_url else "asked"
    waits = await admissions.hear(
        conn, admission, status=status, sign_url=answer.sign_url, said=answer.said[:500], at=at
    )
    if waits:
        await _have_sent(conn, admission, at + wait(at - admission.asked_at))
    if waits and status == "signing" and admission.status != "signing":
        await _tell(conn, admission, "admission_sign", at)
    return status if waits else await _stands(conn, admission)


async def _stands(conn: db.Connection, admission: Admission) -> str:
    """What an answer came to: one that comes after the last word changes nothing."""
    found = await admissions.get(conn, admission.shop_id, admission.admission_id)
    assert found is not None, admission.admission_id
    return found.status


async def _admitted(
    conn: db.Connection, admission: Admission, merchant_id: str, at: datetime
) -> str:
    """He is in. An institution that gives him a second account beside the one in force is not
    followed: what lies on the first one would be forgotten."""
    before = (await admissions.open_for(conn, admission.shop_id)).get(admission.gateway)
    if before is not None and before != merchant_id:
        said = f"admitted as {merchant_id}, but is {before} already"
        await admissions.hear(conn, admission, status="refused", said=said, at=at)
        return await _stands(conn, admission)
    shop_id = admission.shop_id
    await counters.lock(conn, shop_id)  # an order just being placed sees the rail or is seen
    if not await admissions.admit(conn, admission, merchant_id, at):
        return await _stands(conn, admission)
    await jobs.defer(conn, INVITE, at=at, key=str(shop_id), shop_id=shop_id)
    await _tell(conn, admission, "admission_done", at)
    return "admitted"


async def _tell(conn: db.Connection, admission: Admission, about: str, at: datetime) -> None:
    """Word to the owner, once for each admission, and to every console that is open now."""
    shop_id = admission.shop_id
    shop = await shops.get(conn, shop_id)
    for to in await staff.recipients(conn, shop_id, owners=True):
        rail = i18n.t(to.locale, f"checkout.method.{admission.gateway}")
        await messages.send(
            conn, shop_id, [to], about=about, subject=admission.admission_id, at=at,
            shop=shop.name, rail=rail, url=f"/console/{shop_id}/admission",
        )  # fmt: skip
    await live.publish(conn, shop_id, Event(about), at=at)


def wait(age: timedelta) -> timedelta:
    """How long until it is asked about again: half its age, within bounds."""
    return min(max(age / 2, SHORTEST), LONGEST)


async def sweep(database: db.Database, gateways: Collection[str], at: datetime) -> int:
    """Begin for every verified shop that an institution was never asked about: the mode is new,
    or an institution is. And ask on where a job is lost. How many were asked."""
    count = 0
    async with database.connection() as conn:
        shops_without = await admissions.unasked(conn, list(gateways))
        forgotten = await admissions.unheard(conn, at - 2 * LONGEST)
    for shop_id in shops_without:
        asked = await database.transaction(
            partial(begin, shop_id=shop_id, gateways=gateways, at=at)
        )
        count += len(asked)
    for admission in forgotten:
        await database.transaction(partial(_replace_job, admission=admission, at=at))
    return count


async def _replace_job(conn: db.Connection, admission: Admission, at: datetime) -> None:
    """Unless it is only that the institution is away: then its job is tried again by itself."""
    if not await jobs.exists(conn, SEND, admission_id=str(admission.admission_id)):
        await _have_sent(conn, admission, at)


def tasks(
    escrows: Mapping[str, Escrow], keyring: Keyring, files: Files, asking: Collection[str]
) -> dict[str, jobs.Task]:
    """The jobs of this flow; an institution may be away for a night. Of the `escrows` those named
    in `asking` are asked about sellers; what was begun at others is finished."""

    async def run(context: jobs.Context, *, shop_id: int, admission_id: str) -> None:
        await send(
            context.database, keyring, files, escrows, shop_id, UUID(admission_id), context.at
        )

    async def sweep_all(context: jobs.Context) -> None:
        if escrows:
            await sweep(context.database, asking, context.at)

    async def clear(context: jobs.Context) -> None:
        wanting = showing_id_card.wanting(escrows)
        while await showing_id_card.clear(context.database, files, wanting, context.at):
            pass

    return {
        SEND: jobs.Task(run, attempts=40, longest_wait=timedelta(minutes=30)),
        SWEEP: jobs.Task(sweep_all, attempts=3),
        CLEAR: jobs.Task(clear, attempts=3),
    }


TIMETABLE: dict[str, jobs.Daily | jobs.Every] = {
    SWEEP: jobs.Every(600),
    CLEAR: jobs.Every(600),
}
