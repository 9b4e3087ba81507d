"""Proof of the payouts: each is a decrease of payable, and its money is where its state says."""

from __future__ import annotations

# Which journals a payout must have and must not have, by its state.
_JOURNALS_FIT_STATE = """
    select p.shop_id, p.reference as subject, p.status || ' and journals '
           || coalesce(string_agg(j.kind, ' ' order by j.kind), 'none') as says
      from payouts p
      left join journals j on j.shop_id = p.shop_id and j.reference = p.reference
       and j.kind in ('payout', 'funded', 'paid_out', 'payout_returned', 'reversed_payout',
                      'reversed_funded')
     where ($1::bigint is null or p.shop_id = $1)
     group by p.shop_id, p.payout_id, p.reference, p.status, p.need_minor
    having array_agg(j.kind order by j.kind) filter (where j.kind is not null) is distinct from
           (select array_agg(kind order by kind) from (values
              ('payout', true),
              ('funded', p.status <> 'asked' and p.need_minor > 0),
              ('paid_out', p.status in ('done', 'returned')),
              ('payout_returned', p.status = 'returned'),
              ('reversed_payout', p.status = 'rejected'),
              ('reversed_funded', p.status = 'rejected' and p.need_minor > 0)
            ) as wanted(kind, there) where there)"""

_AMOUNTS_ARE_ITS_JOURNALS = """
    select p.shop_id, p.reference as subject,
           'payout of ' || p.amount_minor || ', ' || j.kind || ' of ' || sum(t.amount_minor)
           as says
      from payouts p
      join journals j on j.shop_id = p.shop_id and j.reference = p.reference
       and j.kind in ('payout', 'funded', 'paid_out', 'payout_returned')
      join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
     where ($1::bigint is null or p.shop_id = $1)
     group by p.shop_id, p.payout_id, p.reference, p.amount_minor, p.need_minor, p.rail, j.kind
    having sum(t.amount_minor)
           <> case j.kind when 'funded' then p.need_minor else p.amount_minor end
        or bool_or(j.kind = 'payout' and (t.debit <> 'payable' or t.credit <> 'in_transit'))
        or bool_or(j.kind = 'paid_out' and (t.debit <> 'in_transit' or t.credit <> case p.rail
                     when 'bank' then 'bank' else 'leaving:' || p.rail end))
        or bool_or(j.kind = 'funded' and t.debit <> case p.rail
                     when 'bank' then 'bank' else 'leaving:' || p.rail end)"""

_PAYABLE_LEFT_BY_PAYOUT = """
    select j.shop_id, j.reference as subject, j.kind || ' without a payout' as says
      from journals j
     where ($1::bigint is null or j.shop_id = $1) and j.shop_id <> 0
       and j.kind in ('payout', 'funded', 'paid_out', 'payout_returned', 'reversed_payout',
                      'reversed_funded')
       and not exists (select from payouts p
                        where p.shop_id = j.shop_id and p.reference = j.reference)"""

_IN_TRANSIT_IS_UNDER_WAY = """
    select coalesce(a.shop_id, p.shop_id) as shop_id, 'in_transit' as subject,
           'in transit ' || coalesce(a.minor, 0) || ', under way ' || coalesce(p.minor, 0) as says
      from (select shop_id, currency, credits_minor - debits_minor as minor from accounts
             where account = 'in_transit' and ($1::bigint is null or shop_id = $1)) a
      full join (select shop_id, currency, sum(amount_minor) as minor from payouts
                  where status in ('asked', 'funded', 'sent')
                    and ($1::bigint is null or shop_id = $1) group by shop_id, currency) p
        on p.shop_id = a.shop_id and p.currency = a.currency
     where coalesce(a.minor, 0) <> coalesce(p.minor, 0)"""

# A shop's bank account: what was brought for payouts that are under way, and what came back.
_BANK_IS_ITS_PAYOUTS = """
    select coalesce(a.shop_id, p.shop_id) as shop_id, 'bank' as subject,
           'bank ' || coalesce(a.minor, 0) || ', payouts leave ' || coalesce(p.minor, 0) as says
      from (select shop_id, currency, debits_minor - credits_minor as minor from accounts
             where account = 'bank' and shop_id <> 0
               and ($1::bigint is null or shop_id = $1)) a
      full join (select shop_id, currency, sum(case status when 'funded' then need_minor
                          when 'sent' then need_minor when 'done' then need_minor - amount_minor
                          when 'returned' then need_minor else 0 end) as minor
                   from payouts where rail = 'bank' and ($1::bigint is null or shop_id = $1)
                  group by shop_id, currency) p
        on p.shop_id = a.shop_id and p.currency = a.currency
     where coalesce(a.minor, 0) <> coalesce(p.minor, 0)"""

# Put apart over another rail: what is funded there and not ended.
_LEAVING_IS_UNDER_WAY = """
    select coalesce(a.shop_id, p.shop_id) as shop_id, coalesce(a.account, p.account) as subject,
           'put apart ' || coalesce(a.minor, 0) || ', under way ' || coalesce(p.minor, 0) as says
      from (select shop_id, account, currency, debits_minor - credits_minor as minor from accounts
             where account like 'leaving:%' and ($1::bigint is null or shop_id = $1)) a
      full join (select shop_id, 'leaving:' || rail as account, currency,
                        sum(amount_minor) as minor from payouts
                  where rail <> 'bank' and status in ('funded', 'sent')
                    and ($1::bigint is null or shop_id = $1)
                  group by shop_id, rail, currency) p
        on p.shop_id = a.shop_id and p.account = a.account and p.currency = a.currency
     where coalesce(a.minor, 0) <> coalesce(p.minor, 0)"""

# What a shop took for a payout, shop 0 gave, to the fen; and it has back what was given back.
_FUNDED_BY_THE_PLATFORM = """
    select p.shop_id, p.reference as subject, p.status || ' needs ' || p.need_minor
           || ', the platform gave ' || coalesce(sum(t.amount_minor) filter
              (where j.kind = 'funded'), 0)
           || ' and has back ' || coalesce(sum(t.amount_minor) filter
              (where j.kind = 'reversed_funded'), 0) as says
      from payouts p
      left join journals j on j.shop_id = 0 and j.reference = p.reference
       and j.kind in ('funded', 'reversed_funded')
      left join transfers t on t.shop_id = 0 and t.journal_id = j.journal_id
     where ($1::bigint is null or p.shop_id = $1) and p.status <> 'asked' and p.rail = 'bank'
     group by p.shop_id, p.payout_id, p.reference, p.status, p.need_minor, p.given_back_at
    having coalesce(sum(t.amount_minor) filter (where j.kind = 'funded'), 0) <> p.need_minor
        or coalesce(sum(t.amount_minor) filter (where j.kind = 'reversed_funded'), 0)
           not in (case when p.given_back_at is null then 0 else p.need_minor end,
                   case when p.status = 'rejected' then p.need_minor else 0 end)"""

# The platform's own: lumps and what lay there at first, less what the bank took and shops got.
_PLATFORM_IS_LUMPS_LESS_FUNDINGS = """
    select /* all shops: the platform gave to them all */
           0::bigint as shop_id, a.account as subject, a.account || ' ' || a.minor
           || ', statements ' || s.minor || ', given to shops ' || f.minor as says
      from (select known.account, coalesce(sum(case own.side
                     when 'debit' then own.debits_minor - own.credits_minor
                     else own.credits_minor - own.debits_minor end), 0) as minor
              from (values ('bank'), ('suspense')) as known(account)
              left join accounts own on own.shop_id = 0 and own.account = known.account
               and own.currency = 'CNY'
             group by known.account) a,
           (select coalesce((select sum(case outcome when 'lump' then amount_minor
                                        else -amount_minor end) from bank_entries
                              where shop_id = 0 and outcome in ('lump', 'taken')), 0)
                 + coalesce((select sum(greatest(opening_minor, 0)) from bank_statements
                              where shop_id = 0 and is_first), 0) as minor) s,
           (select coalesce(sum(need_minor), 0) as minor from payouts p
             where exists (select from journals j where j.shop_id = 0 and j.kind = 'funded'
                              and j.reference = p.reference)
               and not exists (select from journals j where j.shop_id = 0
                              and j.kind = 'reversed_funded' and j.reference = p.reference)) f
     where coalesce($1::bigint, 0) = 0 and a.minor <> s.minor - f.minor
           + case a.account when 'suspense' then coalesce((
               select debits_minor - credits_minor from accounts
                where shop_id = 0 and account = 'due_from_shop' and currency = 'CNY'), 0)
             else 0 end"""

_ENTRY_IS_BOOKED = """
    select /* all shops: the bank's statement is of them all */
           0::bigint as shop_id, e.entry_key as subject,
           e.outcome || ' of ' || e.amount_minor || ' is not in the books' as says
      from bank_entries e
     where coalesce($1::bigint, 0) = 0 and e.outcome is not null and not exists (
       select from journals j join transfers t
           on t.shop_id = j.shop_id and t.journal_id = j.journal_id
        where t.amount_minor = e.amount_minor and t.currency = e.currency
          and j.kind = case e.outcome when 'paid_out' then 'paid_out'
                                      when 'returned' then 'payout_returned'
                                      when 'lump' then 'rail_lump' else 'bank_took' end
          and j.reference = case when e.outcome in ('paid_out', 'returned') then e.reference
                                 else right(e.account, 6) || '/' || e.entry_key end
          and (j.shop_id = 0 or e.outcome in ('paid_out', 'returned')))"""

_FILE_PAYS_ONCE = """
    select /* all shops: a file pays them all */
           0::bigint as shop_id, named.reference as subject,
           'stands in ' || count(*) || ' files' as says
      from bank_files f, unnest(f.payout_references) as named(reference)
     where coalesce($1::bigint, 0) = 0
     group by named.reference having count(*) > 1"""

# What was released before a shop went to another person is paid to the old card, and no more.
_FORMER_IS_PAID_ONCE = """
    select h.shop_id, h.handover_id::text as subject,
           'owed ' || h.owed_minor || ', paid to the old card since '
           || sum(case when p.asked_at < h.ended_at then 0 else p.amount_minor end
                  - case when p.back_at >= h.ended_at then p.amount_minor else 0 end) as says
      from handovers h
      join payouts p on p.shop_id = h.shop_id and p.card_id = h.card_id
     where ($1::bigint is null or h.shop_id = $1) and h.status = 'done'
     group by h.shop_id, h.handover_id, h.owed_minor
    having sum(case when p.asked_at < h.ended_at then 0 else p.amount_minor end
               - case when p.back_at >= h.ended_at then p.amount_minor else 0 end)
           > h.owed_minor"""

RULES = {
    "former_is_paid_once": _FORMER_IS_PAID_ONCE,
    "payout_has_its_journals": _JOURNALS_FIT_STATE,
    "payout_amounts_are_its_journals": _AMOUNTS_ARE_ITS_JOURNALS,
    "payable_left_by_payout": _PAYABLE_LEFT_BY_PAYOUT,
    "in_transit_is_payouts_under_way": _IN_TRANSIT_IS_UNDER_WAY,
    "bank_is_its_payouts": _BANK_IS_ITS_PAYOUTS,
    "leaving_is_payouts_under_way": _LEAVING_IS_UNDER_WAY,
    "funded_by_the_platform": _FUNDED_BY_THE_PLATFORM,
    "platform_is_lumps_less_fundings": _PLATFORM_IS_LUMPS_LESS_FUNDINGS,
    "entry_is_booked": _ENTRY_IS_BOOKED,
    "file_pays_once": _FILE_PAYS_ONCE,
}
