"""Runs of the platform, one per business day, and the files that carry them to the bank."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from importlib.metadata import version
from typing import Literal
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.crypto import Keyring
from littleshop.settlement.bank_files import PayoutBatch, write_pain001
from littleshop.shop.shops import PLATFORM

Step = Literal["made", "funded", "written", "sent", "answered", "read", "closed"]
STEPS: tuple[Step, ...] = ("made", "funded", "written", "sent", "answered", "read", "closed")


class Run(msgspec.Struct, frozen=True):
    """A business day's run; each `_at` is when that step was done for everything in it.

    It pays what has a value date before `counts_before`."""

    run_id: UUID
    run_on: date
    counts_before: date
    calendar: str
    opened_at: datetime
    made_at: datetime | None
    funded_at: datetime | None
    written_at: datetime | None
    sent_at: datetime | None
    answered_at: datetime | None
    read_at: datetime | None
    closed_at: datetime | None

    def done(self, step: Step) -> bool:
        """Whether this step is behind us."""
        return getattr(self, f"{step}_at") is not None


class BankFile(msgspec.Struct, frozen=True):
    """A pain.001: the batch it is written from, sealed, and how far it came."""

    message_id: str
    run_id: UUID
    number: int
    execute_on: date
    sha256: str
    batch_sealed: bytes
    payout_references: list[str]
    sent_at: datetime | None
    answered_at: datetime | None
    fault: str


_RUN = ", ".join(Run.__struct_fields__)
_FILE = ", ".join(BankFile.__struct_fields__)


async def open(
    conn: db.Connection, keyring: Keyring, on: date, counts_before: date, at: datetime
) -> Run:
    """The run of a day, opened now or before; its id is derived from our keys and the day."""
    overrides = await db.value(conn, "select count(*) from calendar_overrides")
    await db.run(
        conn,
        "insert into runs (shop_id, run_id, run_on, counts_before, calendar, opened_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict on constraint runs_once_a_day do nothing",
        PLATFORM,
        identity(keyring, on),
        on,
        counts_before,
        f"chinesecalendar {version('chinesecalendar')}, {overrides} overrides",
        at,
    )
    run = await find(conn, on)
    assert run is not None, on
    return run


def identity(keyring: Keyring, on: date) -> UUID:
    """The id of a day's run, also of one that was lost with the machine."""
    family = UUID(bytes=keyring.index("settlement runs")[:16])
    return ids.derived(family, on.isoformat())


async def find(conn: db.Connection, on: date) -> Run | None:
    """The run of a day, or None."""
    return await db.one(
        conn, Run, f"select {_RUN} from runs where shop_id = $1 and run_on = $2", PLATFORM, on
    )


async def get(conn: db.Connection, run_id: UUID) -> Run:
    """A run by its id."""
    return await db.the_one(
        conn, Run, f"select {_RUN} from runs where shop_id = $1 and run_id = $2", PLATFORM, run_id
    )


async def unfinished(conn: db.Connection) -> list[Run]:
    """Runs with something still to do or to hear, the oldest first."""
    return await db.all(
        conn,
        Run,
        f"select {_RUN} from runs where shop_id = $1 and closed_at is null order by run_on",
        PLATFORM,
    )


async def mark(conn: db.Connection, run_id: UUID, step: Step, at: datetime) -> None:
    """Record that a step is done; the first time counts."""
    assert step in STEPS, step
    await db.run(
        conn,
        f"update runs set {step}_at = $3 where shop_id = $1 and run_id = $2 and {step}_at is null",
        PLATFORM,
        run_id,
        at,
    )


async def lock(conn: db.Connection, run_id: UUID) -> None:
    """Let nobody else write a file of this run until we commit."""
    await db.run(
        conn,
        "select 1 from runs where shop_id = $1 and run_id = $2 for update",
        PLATFORM,
        run_id,
    )


async def files(conn: db.Connection, run_id: UUID) -> list[BankFile]:
    """The files of a run in their order."""
    return await db.all(
        conn,
        BankFile,
        f"select {_FILE} from bank_files where shop_id = $1 and run_id = $2 order by number",
        PLATFORM,
        run_id,
    )


async def keep_file(
    conn: db.Connection, keyring: Keyring, run_id: UUID, number: int, batch: PayoutBatch
) -> None:
    """Keep what is about to be handed to the bank; nothing is handed in that was not kept."""
    await db.run(
        conn,
        "insert into bank_files (shop_id, message_id, run_id, number, execute_on, sha256,"
        " batch_sealed, payout_references, written_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        PLATFORM,
        batch.message_id,
        run_id,
        number,
        batch.execute_on,
        _digest(batch),
        keyring.seal(msgspec.json.encode(batch).decode()),
        [one.reference for one in batch.instructions],
        batch.created_at,
    )


def batch_of(keyring: Keyring, file: BankFile) -> PayoutBatch:
    """The batch as it was kept; the bank gets the same bytes however often it is handed in."""
    batch = msgspec.json.decode(keyring.open(file.batch_sealed), type=PayoutBatch)
    assert _digest(batch) == file.sha256, f"{file.message_id} would be written differently now"
    return batch


def _digest(batch: PayoutBatch) -> str:
    return hashlib.sha256(write_pain001(batch)).hexdigest()


def message_id(run: Run, number: int) -> str:
    """What a file of a run is called at the bank: up to 35 characters, ours alone."""
    own = ids.reference(seed=run.run_id.bytes + number.to_bytes(4, "big"))
    return f"{run.run_on:%Y%m%d}-{number}-{own[:12]}"


async def mark_sent(conn: db.Connection, message_id: str, at: datetime) -> None:
    """The bank has the file."""
    await db.run(
        conn,
        "update bank_files set sent_at = $3, fault = '' where shop_id = $1 and message_id = $2"
        " and sent_at is null",
        PLATFORM,
        message_id,
        at,
    )


async def mark_answered(conn: db.Connection, message_id: str, at: datetime) -> None:
    """Every payment of the file has its final pain.002."""
    await db.run(
        conn,
        "update bank_files set answered_at = $3 where shop_id = $1 and message_id = $2"
        " and answered_at is null",
        PLATFORM,
        message_id,
        at,
    )


async def note_fault(conn: db.Connection, message_id: str, fault: str) -> None:
    """What the last attempt to hand the file in met, for a person to see."""
    await db.run(
        conn,
        "update bank_files set fault = $3 where shop_id = $1 and message_id = $2",
        PLATFORM,
        message_id,
        fault[:500],
    )
