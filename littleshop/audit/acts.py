"""Proof of the operators' log: every row follows the one before, and nothing in it was changed.

The hash is computed here anew from what the rows say (oversight/acts.py says how it is made).
"""

from __future__ import annotations

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
    select 0::bigint as shop_id, coalesce(h.number, 0) as subject,
           'the log ends at ' || coalesce(a.number, 0) || ', it had come to '
           || coalesce(h.number::text, 'what nobody knows any more') as says
      from (values ('acts')) as the(name)
      left join act_heads h on h.name = the.name
      left join (select number, hash from acts order by number desc limit 1) a on true
     where coalesce($1::bigint, 0) = 0
       and (h.number is null or h.number <> coalesce(a.number, 0)
            or h.hash <> coalesce(a.hash, decode(repeat('00', 32), 'hex')))"""

# What only a person decides stands in the log, whatever became of the log since.
_DECISION_HAS_ITS_ACT = """
    select /* all shops: the log is of them all */
           d.shop_id, d.subject, 'the log has no ' || d.kind || ' of it' as says
      from (select 0::bigint as shop_id, 'operator_added' as kind,
                   'person/' || person_id as subject from operators
             union all
            select 0, 'operator_removed', 'person/' || person_id from operators
             where removed_at is not null
             union all
            select of_shop_id, 'fees_set', 'fees/' || schedule_id from fee_schedules
             union all
            select shop_id, 'case_decided', 'case/' || shop_id || '/' || case_id from cases
             where decided_by is not null
             union all
            select shop_id, 'payouts_held', 'hold/' || shop_id || '/' || hold_id from payout_holds
             where kind = 'operator'
             union all
            select shop_id, 'hold_lifted', 'hold/' || shop_id || '/' || hold_id from payout_holds
             where lifted_at is not null
             union all
            select 0, 'day_closed', 'day/' || day from closed_days
             union all
            select 0, 'difference_explained', 'difference/' || difference_id from differences
             where explained_at is not null and explained_by <> 'books'
             union all
            select shop_id, 'refund_by_hand', 'refund/' || shop_id || '/' || refund_id from refunds
             where done_by = 'hand') d
      left join acts a on a.kind = d.kind and a.subject = d.subject
     where coalesce($1::bigint, 0) = 0 and a.number is null"""

RULES = {
    "acts_are_chained": _CHAINED,
    "acts_end_at_their_head": _ENDS_AT_ITS_HEAD,
    "decision_has_its_act": _DECISION_HAS_ITS_ACT,
}
