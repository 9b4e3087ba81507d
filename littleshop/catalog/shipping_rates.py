"""Shipping rates: a shop's named templates of what sending costs, by region.

A rule names provinces; the last one names none and holds everywhere else. What an order pays of
them is pricing/postage.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.catalog import provinces
from littleshop.catalog.drafts import tidy
from littleshop.errors import NotFound, Refused
from littleshop.shop import shops

MEASURES = ("order", "piece", "weight")
MOST = 20  # of a shop
MOST_RULES = 12
MOST_GRAMS = 1_000_000
NAME_LENGTH = 20
_MOST_FEE = 100_000_000
_MOST_UNITS = 1_000_000


class Rule(msgspec.Struct, frozen=True, gc=False):
    """What sending to `regions` costs, in minor units: `first_minor` for the first `first_units`,
    `more_minor` for each further `more_units` begun (pieces or grams; of an order counted whole
    only the first); nothing from a sum or a number of pieces on. No regions: everywhere else."""

    regions: tuple[str, ...] = ()
    delivered: bool = True
    first_units: int = 1
    first_minor: int = 0
    more_units: int = 1
    more_minor: int = 0
    free_over_minor: int | None = None
    free_pieces: int | None = None


class Rate(msgspec.Struct, frozen=True, gc=False):
    """A template; `rate_id` None is the flat fee that stands in the shop's own row."""

    rate_id: UUID | None
    name: str
    measure: str
    rules: tuple[Rule, ...]
    products: int = 0  # that name it

    def rule(self, region: str) -> Rule:
        """The rule of a province's code."""
        named = (each for each in self.rules if region in each.regions)
        return next(named, self.rules[-1])


def flat(fee_minor: int, free_over_minor: int | None) -> Rate:
    """One fee for every order wherever it goes, waived from a sum on."""
    return Rate(None, "", "order", (Rule(first_minor=fee_minor, free_over_minor=free_over_minor),))


def of_shop(shop: shops.Shop) -> Rate:
    """The flat fee of a shop's own row."""
    return flat(shop.shipping_flat_minor, shop.shipping_free_over_minor)


def check(name: str, measure: str, rules: Sequence[Rule]) -> Rate:
    """A template tidied. Raises Refused: rate_name_empty, rate_measure, rate_rules(most=),
    rate_nowhere, and by rule (at=) rate_regions, rate_twice, rate_fee, rate_units, rate_free."""
    tidied = tidy(name)[:NAME_LENGTH]
    if not tidied:
        raise Refused("rate_name_empty")
    if measure not in MEASURES:
        raise Refused("rate_measure")
    if not 1 <= len(rules) <= MOST_RULES:
        raise Refused("rate_rules", most=MOST_RULES)
    if not any(each.delivered for each in rules):
        raise Refused("rate_nowhere")
    seen: set[str] = set()
    for at, rule in enumerate(rules):
        _check_rule(rule, at, last=at == len(rules) - 1, measure=measure)
        if seen & set(rule.regions):
            raise Refused("rate_twice", at=at)
        seen |= set(rule.regions)
    return Rate(None, tidied, measure, tuple(rules))


def _check_rule(rule: Rule, at: int, *, last: bool, measure: str) -> None:
    if bool(rule.regions) == last or not set(rule.regions) <= set(provinces.NAMES):
        raise Refused("rate_regions", at=at)
    if not (0 <= rule.first_minor <= _MOST_FEE and 0 <= rule.more_minor <= _MOST_FEE):
        raise Refused("rate_fee", at=at)
    units = rule.first_units, rule.more_units
    if measure != "order" and not all(1 <= each <= _MOST_UNITS for each in units):
        raise Refused("rate_units", at=at)
    over, pieces = rule.free_over_minor, rule.free_pieces
    both = over is not None and pieces is not None
    if both or not 1 <= (over or 1) <= 100_000_000_000 or not 1 <= (pieces or 1) <= 9999:
        raise Refused("rate_free", at=at)


async def of(conn: db.Connection, shop_id: int) -> list[Rate]:
    """A shop's templates, the oldest first, with how many products name each."""
    rows = await conn.fetch(
        """
        select r.rate_id, r.name, r.measure,
               (select count(*) from products p
                 where p.shop_id = r.shop_id and p.rate_id = r.rate_id)::integer as products,
               rules_of(r.shop_id, r.rate_id) as rules
          from shipping_rates r where r.shop_id = $1 order by r.created_at, r.rate_id""",
        shop_id,
    )
    return [msgspec.convert(dict(row), Rate) for row in rows]


async def get(conn: db.Connection, shop_id: int, rate_id: UUID) -> Rate:
    """A template of this shop. Raises NotFound."""
    for rate in await of(conn, shop_id):
        if rate.rate_id == rate_id:
            return rate
    raise NotFound("shipping_rate")


async def write(
    conn: db.Connection, shop_id: int, rate_id: UUID, checked: Rate, at: datetime
) -> None:
    """Write a checked template under its id, new or changed.

    Raises Refused: rate_name_taken(name=), rates_too_many(most=).
    """
    await shops.touch(conn, shop_id, pricing=True)  # two who write at once come one after the other
    known = await of(conn, shop_id)
    if any(each.name == checked.name and each.rate_id != rate_id for each in known):
        raise Refused("rate_name_taken", name=checked.name)
    if len(known) >= MOST and all(each.rate_id != rate_id for each in known):
        raise Refused("rates_too_many", most=MOST)
    await db.run(
        conn,
        "insert into shipping_rates (shop_id, rate_id, name, measure, created_at)"
        " values ($1, $2, $3, $4, $5) on conflict on constraint shipping_rates_pkey do update"
        " set name = excluded.name, measure = excluded.measure",
        shop_id,
        rate_id,
        checked.name,
        checked.measure,
        at,
    )
    await _write_rules(conn, shop_id, rate_id, checked.rules)


async def _write_rules(
    conn: db.Connection, shop_id: int, rate_id: UUID, rules: Sequence[Rule]
) -> None:
    await _drop_rules(conn, shop_id, rate_id)
    await conn.executemany(
        "insert into shipping_rules (shop_id, rate_id, position, regions, delivered, first_units,"
        " first_minor, more_units, more_minor, free_over_minor, free_pieces)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [(shop_id, rate_id, place, *_values(rule)) for place, rule in enumerate(rules, start=1)],
    )


def _values(rule: Rule) -> tuple[Any, ...]:
    regions, *rest = msgspec.structs.astuple(rule)
    return list(regions), *rest


async def _drop_rules(conn: db.Connection, shop_id: int, rate_id: UUID) -> None:
    await db.run(
        conn, "delete from shipping_rules where shop_id = $1 and rate_id = $2", shop_id, rate_id
    )


async def set_standard(conn: db.Connection, shop_id: int, rate_id: UUID | None) -> None:
    """The template of what names none; None is the flat fee of the shop's row again.
    Raises NotFound."""
    if rate_id is not None:
        await get(conn, shop_id, rate_id)
    await shops.set_rate(conn, shop_id, rate_id)


async def remove(conn: db.Connection, shop_id: int, rate_id: UUID) -> None:
    """Take a template away; what named it goes by the shop's standard. Raises NotFound, Refused
    rate_is_standard."""
    await shops.touch(conn, shop_id, pricing=True)
    await get(conn, shop_id, rate_id)
    if (await shops.get(conn, shop_id)).rate_id == rate_id:
        raise Refused("rate_is_standard")
    await db.run(
        conn,
        "update products set rate_id = null where shop_id = $1 and rate_id = $2",
        shop_id,
        rate_id,
    )
    await _drop_rules(conn, shop_id, rate_id)
    await db.run(
        conn, "delete from shipping_rates where shop_id = $1 and rate_id = $2", shop_id, rate_id
    )


class Sending(msgspec.Struct, frozen=True):
    """What sending a product depends on: its template (None: the shop's) and a piece's weight,
    0 where nobody said it; of kinds that differ the heaviest."""

    rate_id: UUID | None = None
    grams: int = 0


async def of_product(conn: db.Connection, shop_id: int, product_id: UUID) -> Sending:
    """Raises NotFound."""
    row = await db.one(
        conn,
        Sending,
        "select p.rate_id, coalesce((select max(v.weight_grams) from variants v"
        "   where v.shop_id = $1 and v.product_id = $2 and not v.withdrawn), 0) as grams"
        " from products p where p.shop_id = $1 and p.product_id = $2",
        shop_id,
        product_id,
    )
    if row is None:
        raise NotFound("product")
    return row


async def assign(conn: db.Connection, shop_id: int, product_id: UUID, rate_id: UUID | None) -> None:
    """Have a product go by a template, None: by the shop's. Raises NotFound."""
    if rate_id is not None:
        await get(conn, shop_id, rate_id)
    if await db.run(
        conn,
        "update products set rate_id = $3 where shop_id = $1 and product_id = $2"
        " and rate_id is distinct from $3",
        shop_id,
        product_id,
        rate_id,
    ):
        await shops.touch(conn, shop_id, pricing=True)


async def weigh(
    conn: db.Connection, shop_id: int, product_id: UUID, grams: int, *, unsaid: bool = False
) -> None:
    """What a piece of every kind of a product weighs, or of those of which it is `unsaid` yet.
    Raises Refused weight_wrong(most=)."""
    if not 0 <= grams <= MOST_GRAMS:
        raise Refused("weight_wrong", most=MOST_GRAMS // 1000)
    if await db.run(
        conn,
        "update variants set weight_grams = $3 where shop_id = $1 and product_id = $2"
        " and weight_grams <> $3 and (not $4 or weight_grams = 0)",
        shop_id,
        product_id,
        grams,
        unsaid,
    ):
        await shops.touch(conn, shop_id, pricing=True)
