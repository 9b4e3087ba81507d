"""Bank cards: which bank a number belongs to, and the card a shop is paid to."""

from __future__ import annotations

import json
import unicodedata
import uuid
from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec

from littleshop import db
from littleshop.crypto import Keyring
from littleshop.db import Connection
from littleshop.errors import Refused

SHORTEST, LONGEST = 16, 19
_TABLE = Path(__file__).with_name("bins.json")


class Bank(msgspec.Struct, frozen=True):
    """A bank by Alipay's code; `cnaps` is its head office's number where we pay by it."""

    code: str
    zh: str
    en: str
    cnaps: str | None = None

    def name(self, locale: str) -> str:
        """The name in a person's language."""
        return self.zh if locale.startswith("zh") else self.en


class Card(msgspec.Struct, frozen=True):
    """What a number tells by itself; `kind` is debit, credit, semi_credit, prepaid or None.

    `usual_lengths` are the lengths known for its first digits.
    """

    number: str
    bank: Bank | None
    kind: str | None
    luhn_ok: bool
    usual_lengths: tuple[int, ...] = ()

    @property
    def bank_code(self) -> str | None:
        return self.bank.code if self.bank else None

    @property
    def tail(self) -> str:
        return self.number[-4:]

    def bank_name(self, locale: str) -> str | None:
        """The bank's name in a person's language, or None when unknown."""
        return self.bank.name(locale) if self.bank else None


class BankCard(msgspec.Struct, frozen=True):
    """A shop's card as a row; `verdict` is asked, matched or mismatched."""

    shop_id: int
    card_id: uuid.UUID
    number_sealed: bytes
    tail: str
    bank_code: str
    kind: str
    holder_sealed: bytes
    phone_sealed: bytes
    active: bool
    verdict: str
    reason: str
    asked_at: datetime
    verified_at: datetime | None


_COLUMNS = ", ".join(BankCard.__struct_fields__)


class _Bins(msgspec.Struct, frozen=True):
    banks: dict[str, Bank]
    by_prefix: dict[str, dict[int, tuple[str, str]]]  # prefix -> length -> (bank, kind)


@cache
def _bins() -> _Bins:
    table = json.loads(_TABLE.read_text(encoding="utf-8"))
    by_prefix: dict[str, dict[int, tuple[str, str]]] = {}
    for code, kinds in table["bins"].items():
        for kind_and_length, prefixes in kinds.items():
            kind, length = kind_and_length.split()
            for prefix in prefixes.split():
                by_prefix.setdefault(prefix, {}).setdefault(int(length), (code, kind))
    banks = {code: Bank(code=code, **names) for code, names in table["banks"].items()}
    return _Bins(banks=banks, by_prefix=by_prefix)


def bank(code: str) -> Bank | None:
    """The bank of a code, or None."""
    return _bins().banks.get(code)


def clean(text: str) -> str:
    """The number as typed without its spaces and dashes; other signs stay for `accept` to see."""
    typed = unicodedata.normalize("NFKC", text[:64])
    return "".join(sign for sign in typed if not sign.isspace() and sign not in "-_.")


def luhn_ok(number: str) -> bool:
    """The check digit of ISO 7812. Some issued cards fail it, so it only warns."""
    total = 0
    for place, sign in enumerate(reversed(number)):
        digit = int(sign)
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def recognise(text: str) -> Card:
    """What a card number, even one half typed, tells by itself; the longest known BIN decides."""
    number = "".join(sign for sign in clean(text) if sign in "0123456789")
    bins = _bins()
    lengths: set[int] = set()
    close: tuple[str, str] | None = None
    for size in range(min(10, len(number)), 2, -1):
        known = bins.by_prefix.get(number[:size])
        if known is None:
            continue
        if len(number) in known:
            code, kind = known[len(number)]
            return Card(number, bins.banks[code], kind, luhn_ok(number), (len(number),))
        if size >= 6:  # shorter ones say too little while the length is another
            lengths.update(known)
            close = close or min(known.items())[1]
    if close is None:
        return Card(number, None, None, luhn_ok(number))
    code, kind = close
    return Card(number, bins.banks[code], kind, luhn_ok(number), tuple(sorted(lengths)))


def accept(text: str, *, confirmed: bool = False) -> Card:
    """A card that payouts may go to; `confirmed` means the person insists after a warning.

    Raises Refused: card_empty, card_digits, card_length(have, want), card_credit(bank),
    card_prepaid(bank), card_unknown_bank, and the warnings card_luhn and
    card_length_unusual(have, want, bank), which `confirmed` overrules.
    """
    number = clean(text)
    if not number:
        raise Refused("card_empty")
    if any(sign not in "0123456789" for sign in number):
        raise Refused("card_digits")
    card = recognise(number)
    have = len(number)
    want = _list(card.usual_lengths) or f"{SHORTEST}–{LONGEST}"
    if not SHORTEST <= have <= LONGEST:
        raise Refused("card_length", have=have, want=want)
    if card.bank is None:
        raise Refused("card_unknown_bank")
    if card.kind in ("credit", "semi_credit"):
        raise Refused("card_credit", **_named(card.bank))
    if card.kind == "prepaid":
        raise Refused("card_prepaid", **_named(card.bank))
    if not confirmed and have not in card.usual_lengths:
        raise Refused("card_length_unusual", have=have, want=want, **_named(card.bank))
    if not confirmed and not card.luhn_ok:
        raise Refused("card_luhn")
    return card


WARNINGS = frozenset({"card_luhn", "card_length_unusual"})


def _named(bank: Bank) -> dict[str, str]:
    return {"bank_zh": bank.zh, "bank_en": bank.en}  # each language's text takes its own


def _list(lengths: tuple[int, ...]) -> str:
    return " / ".join(str(length) for length in lengths)


def number_index(keyring: Keyring, number: str) -> bytes:
    """How a card is found again without being read."""
    return keyring.index(f"card {number}")


async def active(conn: Connection, shop_id: int) -> BankCard | None:
    """The card a shop is paid to, or None."""
    return await db.one(
        conn, BankCard, f"select {_COLUMNS} from cards where shop_id = $1 and active", shop_id
    )


async def get(conn: Connection, shop_id: int, card_id: uuid.UUID) -> BankCard | None:
    """A card of the shop, active or not, or None."""
    return await db.one(
        conn,
        BankCard,
        f"select {_COLUMNS} from cards where shop_id = $1 and card_id = $2",
        shop_id,
        card_id,
    )


async def is_same(
    conn: Connection,
    keyring: Keyring,
    shop_id: int,
    card: Card,
    card_id: uuid.UUID | None = None,
) -> bool:
    """Whether the active card, or the one of `card_id`, has this number: a repeated click."""
    index = await db.value(
        conn,
        "select number_index from cards"
        " where shop_id = $1 and (($2::uuid is null and active) or card_id = $2)",
        shop_id,
        card_id,
    )
    return bool(index == number_index(keyring, card.number))


async def bind(
    conn: Connection,
    keyring: Keyring,
    shop_id: int,
    card: Card,
    *,
    card_id: uuid.UUID,
    holder: str,
    phone: str,
    at: datetime,
) -> bool:
    """Make this the shop's card and ask; False when another is being checked or was verified.

    `card_id` is also our id of the question to the verifier. A card that did not match gives way.
    """
    await db.run(
        conn,
        "update cards set active = false where shop_id = $1 and active and verdict = 'mismatched'",
        shop_id,
    )
    row = _Sealed(card_id, holder, phone, active=True)
    return await _add(conn, keyring, shop_id, card, row, at)


async def lock(conn: Connection, shop_id: int) -> None:
    """Until this transaction ends, nobody else asks for another card of this shop."""
    await db.run(conn, "select 1 from cards where shop_id = $1 and active for update", shop_id)


async def propose(
    conn: Connection,
    keyring: Keyring,
    shop_id: int,
    card: Card,
    *,
    card_id: uuid.UUID,
    holder: str,
    phone: str,
    at: datetime,
) -> None:
    """Keep a card to ask about beside the one that is paid to; `take_over` makes it that one."""
    row = _Sealed(card_id, holder, phone, active=False)
    await _add(conn, keyring, shop_id, card, row, at)


class _Sealed(msgspec.Struct, frozen=True):
    """What a row holds beside the number, before it is sealed."""

    card_id: uuid.UUID
    holder: str
    phone: str
    active: bool


async def _add(
    conn: Connection, keyring: Keyring, shop_id: int, card: Card, row: _Sealed, at: datetime
) -> bool:
    assert card.bank is not None and card.kind == "debit"
    added = await db.run(
        conn,
        """
        insert into cards (shop_id, card_id, number_sealed, number_index, tail, bank_code, kind,
                           holder_sealed, phone_sealed, active, verdict, asked_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'asked', $11)
        on conflict (shop_id) where active do nothing""",
        shop_id,
        row.card_id,
        keyring.seal(card.number),
        number_index(keyring, card.number),
        card.tail,
        card.bank.code,
        card.kind,
        keyring.seal(row.holder),
        keyring.seal(row.phone),
        row.active,
        at,
    )
    return added == 1


async def take_over(conn: Connection, shop_id: int, card_id: uuid.UUID) -> None:
    """Let this verified card be the one the shop is paid to; the one before stays as a row."""
    await db.run(
        conn,
        "update cards set active = false where shop_id = $1 and active and card_id <> $2",
        shop_id,
        card_id,
    )
    await db.run(
        conn,
        "update cards set active = true"
        " where shop_id = $1 and card_id = $2 and verdict = 'matched' and not active",
        shop_id,
        card_id,
    )


async def set_aside(conn: Connection, shop_id: int) -> None:
    """Nothing new is paid to the card in use: the shop is somebody else's. The row stays."""
    await db.run(conn, "update cards set active = false where shop_id = $1 and active", shop_id)


async def hear(
    conn: Connection,
    shop_id: int,
    card_id: uuid.UUID,
    *,
    matched: bool,
    reason: str,
    at: datetime,
) -> bool:
    """Write the verifier's answer; False when the question was answered before."""
    return await db.changed(
        conn,
        """update cards set verdict = $3, reason = $4, verified_at = $5
            where shop_id = $1 and card_id = $2 and verdict = 'asked'""",
        shop_id,
        card_id,
        "matched" if matched else "mismatched",
        reason,
        at if matched else None,
    )
