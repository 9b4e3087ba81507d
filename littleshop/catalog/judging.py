"""Judging: what a sheet's things would do to a shop's catalogue, each by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import drafts, photos, wares
from littleshop.catalog.incoming import Piece, Thing
from littleshop.catalog.wares import Ware, WareVariant
from littleshop.errors import Refused

_OURS = re.compile(r"/f/([0-9a-f]{32})/\d+\.\w+$")


class Verdict(msgspec.Struct, frozen=True):
    """new, changed, unchanged or refused (`why`); the ware that would be written, and the pictures
    that do not hang there yet."""

    kind: str
    thing: Thing
    ware: Ware | None = None
    before: Ware | None = None
    photos: tuple[str, ...] = ()
    why: str = ""
    facts: dict[str, str | int] = {}


def facts(refused: Refused) -> dict[str, str | int]:
    """The details of a refusal as they are kept."""
    return {k: v if isinstance(v, int) else str(v) for k, v in refused.details.items()}


def file_of(source: str) -> str:
    """The file of a picture that is ours already, by its address; "" for others."""
    found = _OURS.search(source)
    return found[1] if found else ""


async def judge(
    conn: db.Connection, shop_id: int, import_id: UUID, things: Sequence[Thing]
) -> list[Verdict]:
    """A verdict on each thing, as the catalogue is now."""
    owners = await _sku_owners(conn, shop_id, things)
    known = await _known(conn, shop_id, things, owners)
    found = await wares.of(conn, shop_id, list(set(known.values())))
    hanging = await photos.of_products(conn, shop_id, list(found))
    sources = await photos.sources(conn, shop_id, list(found))
    verdicts = []
    for thing in things:
        product_id = known.get(thing.handle)
        before = found.get(product_id) if product_id is not None else None
        verdict = _one(thing, before, product_id or ids.derived(import_id, thing.handle), owners)
        if verdict.ware is not None:
            here = verdict.ware.product_id
            files, room = hanging.get(here, []), photos.MOST
            missing = [
                each
                for each in thing.photos
                if file_of(each) not in files and (here, each) not in sources
            ][: room - len(files)]
            kind = "changed" if missing and verdict.kind == "unchanged" else verdict.kind
            verdict = msgspec.structs.replace(verdict, kind=kind, photos=tuple(missing))
        verdicts.append(verdict)
    return verdicts


def _one(
    thing: Thing, before: Ware | None, product_id: UUID, owners: Mapping[str, set[UUID]]
) -> Verdict:
    try:
        ware = wares.check(merged(thing, before, product_id))
        if before is not None and before.resold:
            raise Refused("import_resold")
        if before is not None and before.same(ware):
            return Verdict("unchanged", thing, ware, before)
        _check_skus(ware, owners)
        _check_held(ware, before)
    except Refused as refused:
        return Verdict("refused", thing, why=refused.code, facts=facts(refused))
    return Verdict("new" if before is None else "changed", thing, ware, before)


def _check_skus(ware: Ware, owners: Mapping[str, set[UUID]]) -> None:
    skus = [each.sku for each in ware.kinds if each.sku]
    for sku in skus:
        if skus.count(sku) > 1:
            raise Refused("import_sku_twice", sku=sku)
        if owners.get(sku, set()) - {ware.product_id}:
            raise Refused("import_sku_taken", sku=sku)


def _check_held(ware: Ware, before: Ware | None) -> None:
    held = {each.choice: each.held for each in before.kinds} if before is not None else {}
    for each in ware.kinds:
        if each.on_hand < held.get(each.choice, 0):
            raise Refused("stock_promised", held=held[each.choice])


def merged(thing: Thing, before: Ware | None, product_id: UUID) -> Ware:
    """What a thing makes of a product: what its sheet does not say stays as it is."""
    known = {each.choice: each for each in before.kinds} if before is not None else {}
    if before is not None and before.options and not thing.has_options:
        raise Refused("import_no_options")
    painted = {
        (axis.name, value): colour
        for axis in (before.options if before is not None else ())
        for value, colour in axis.colours.items()
    }
    options = tuple(
        msgspec.structs.replace(axis, colours=axis.colours or {
            value: painted[axis.name, value] for value in axis.values
            if (axis.name, value) in painted
        })
        for axis in thing.options
    )  # fmt: skip
    start = before or Ware(product_id, "", ())
    return msgspec.structs.replace(
        start,
        title=thing.title,
        kinds=tuple(_kind(each, known.get(each.choice)) for each in thing.pieces),
        options=options,
        **{
            name: told
            for name in ("description", "category", "status", "no_return", "tags")
            if (told := getattr(thing, name)) is not None
        },
    )


def _kind(piece: Piece, before: WareVariant | None) -> WareVariant:
    told = {name: getattr(piece, name) for name in _PIECE} | {"on_hand": piece.stock}
    told["choice"] = tuple(drafts.tidy(value)[:30] for value in piece.choice)
    start = before or WareVariant((), 1, 0)
    return msgspec.structs.replace(start, **{k: v for k, v in told.items() if v is not None})


_PIECE = ("price_minor", "compare_at_minor", "cost_minor", "sku", "barcode", "grams")


async def _sku_owners(
    conn: db.Connection, shop_id: int, things: Sequence[Thing]
) -> dict[str, set[UUID]]:
    """Which products of the shop have these codes."""
    rows = await conn.fetch(
        "select v.sku, v.product_id from variants v"
        " join products p on p.shop_id = v.shop_id and p.product_id = v.product_id"
        " where v.shop_id = $1 and v.sku = any ($2) and not v.withdrawn"
        " and p.status <> 'unlisted'",
        shop_id,
        list({drafts.tidy(e.sku)[:40] for t in things for e in t.pieces if e.sku}),
    )
    found: dict[str, set[UUID]] = {}
    for row in rows:
        found.setdefault(row["sku"], set()).add(row["product_id"])
    return found


async def _known(
    conn: db.Connection,
    shop_id: int,
    things: Sequence[Thing],
    owners: Mapping[str, set[UUID]],
) -> dict[str, UUID]:
    """Which product each handle means: by its name in sheets, by its id, by its codes."""
    rows = await conn.fetch(
        "select h.handle, h.product_id from product_handles h"
        " where h.shop_id = $1 and h.handle = any ($2)"
        " union all select p.product_id::text, p.product_id from products p"
        " where p.shop_id = $1 and p.status <> 'unlisted' and p.product_id = any ($3)",
        shop_id,
        [each.handle for each in things],
        [its_id for each in things if (its_id := _uuid(each.handle)) is not None],
    )
    found = {row["handle"]: row["product_id"] for row in rows}
    taken = set(found.values())
    for each in things:
        codes = [owners[e.sku] for e in each.pieces if e.sku and e.sku in owners]
        product_ids = set[UUID]().union(*codes)
        if each.handle not in found and len(product_ids) == 1 and not product_ids & taken:
            found[each.handle] = product_ids.pop()
            taken.add(found[each.handle])
    return found


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
