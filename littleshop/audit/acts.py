"""Proof of the operators' log: every row follows the one before, and nothing in it was changed.

The hash is computed here anew from what the rows say (oversight/acts.py says how it is made).
"""

from __future__ import annotations

from littleshop import db
from littleshop.audit.findings import Finding, collect

_SAID = """
    (select string_agg(octet_length(field) || ':' || field || ',', '' order by place)
       from unnest(array[a.number::text, coalesce(a.operator_id::text, ''), a.kind, a.subject,
                         coalesce(a.of_shop_id::text, ''), a.reason, a.details,
                         (extract(epoch from a.at) * 1000000)::bigint::text])
            with ordinality as told (field, place))"""

_CHAINED = f"""
    select 0::bigint as shop_id, a.number as subject,
           case when a.number <> a.place then 'the one before it is gone'
                when a.previous <> a.before then 'it does not follow the one before it'
                else 'it is not what was written' end as says
      from (select own.*, row_number() over (order by number) as place,
                   lag(hash, 1, decode(repeat('00', 32), 'hex')) over (order by number) as before
              from acts own) a
     where coalesce($1::bigint, 0) = 0
       and (a.number <> a.place or a.previous <> a.before
            or a.hash <> sha256(a.previous || convert_to({_SAID}, 'UTF8')))"""

_ENDS_AT_ITS_HEAD = """
    select 0::bigint as shop_id, h.number as subject,
           'the log ends at ' || coalesce(a.number, 0) || ', it had come to ' || h.number as says
      from act_heads h
      left join (select number, hash from acts order by number desc limit 1) a on true
     where coalesce($1::bigint, 0) = 0
       and (h.number <> coalesce(a.number, 0)
            or h.hash <> coalesce(a.hash, decode(repeat('00', 32), 'hex')))"""

RULES = {
    "acts_are_chained": _CHAINED,
    "acts_end_at_their_head": _ENDS_AT_ITS_HEAD,
}


async def prove(conn: db.Connection, shop_id: int | None = None) -> list[Finding]:
    """Where the log was tampered with; it belongs to the platform."""
    return [
        finding
        for rule, sql in RULES.items()
        for finding in await collect(conn, rule, sql, shop_id)
    ]
