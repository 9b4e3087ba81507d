"""Proof of what every journal is: its kind is known, it moves between its own accounts only, and
a row stands behind it that says the same sum. So nothing is owed to a seller that nobody paid."""

from __future__ import annotations

from littleshop.audit.referred import GIVEN

# Which kind of journal may debit and credit what, accounts without the rail's name: at a
# rail money is our own (rail), frozen at the seller's (held) or released there (free). What
# sellers owe one another stands apart from what the platform lent (due_to_shop).
_MOVES = """
    (values ('paid', 'rail', 'escrow'), ('paid', 'held', 'escrow'),
            ('received_astray', 'rail', 'suspense'), ('received_astray', 'held', 'suspense'),
            ('received', 'escrow', 'payable'), ('received', 'escrow', 'commission'),
            ('clawed_back', 'payable', 'escrow'), ('clawed_back', 'commission', 'escrow'),
            ('received', 'escrow', 'owed_to'), ('clawed_back', 'owed_by', 'escrow'),
            ('margin', 'owed_by', 'payable'), ('margin_back', 'payable', 'owed_to'),
            ('received', 'escrow', 'referral_held'), ('clawed_back', 'referral_held', 'escrow'),
            ('referral_released', 'referral_held', 'owed_to'),
            ('referral_released', 'rail', 'due_to_shop'),
            ('referral', 'owed_by', 'payable'), ('referral_back', 'payable', 'owed_to'),
            ('passed_on', 'owed_to', 'rail'), ('came_over', 'rail', 'owed_by'),
            ('refunded', 'escrow', 'rail'), ('refunded', 'escrow', 'held'),
            ('refunded', 'escrow', 'free'), ('refunded', 'suspense', 'rail'),
            ('refunded', 'suspense', 'held'), ('refunded', 'suspense', 'free'),
            ('refunded', 'rail', 'due_to_shop'), ('refunded', 'held', 'due_to_shop'),
            ('refunded', 'free', 'due_to_shop'),
            ('charged_back', 'escrow', 'rail'), ('charged_back', 'escrow', 'held'),
            ('charged_back', 'escrow', 'free'), ('charged_back', 'rail', 'due_to_shop'),
            ('charged_back', 'held', 'due_to_shop'), ('charged_back', 'free', 'due_to_shop'),
            ('chargeback_loss', 'chargeback_loss', 'rail'),
            ('chargeback_loss', 'rail', 'due_to_shop'),
            ('loss_found', 'rail', 'chargeback_loss'),
            ('paid_by_seller', 'free', 'payable'),
            ('refund_failed', 'rail', 'escrow'), ('refund_failed', 'held', 'escrow'),
            ('refund_failed', 'free', 'escrow'), ('refund_failed', 'rail', 'suspense'),
            ('refund_failed', 'held', 'suspense'), ('refund_failed', 'free', 'suspense'),
            ('commission_returned', 'free', 'rail'),
            ('commission_returned', 'rail', 'due_to_shop'),
            ('commission_shared', 'rail', 'held'),
            ('released', 'free', 'held'), ('released', 'gateway_fee', 'held'),
            ('payout', 'payable', 'in_transit'), ('reversed_payout', 'in_transit', 'payable'),
            ('funded', 'bank', 'rail'), ('funded', 'leaving', 'rail'),
            ('funded', 'leaving', 'free'), ('reversed_funded', 'rail', 'bank'),
            ('reversed_funded', 'rail', 'leaving'), ('reversed_funded', 'free', 'leaving'),
            ('paid_out', 'in_transit', 'bank'), ('paid_out', 'in_transit', 'leaving'),
            ('payout_returned', 'bank', 'payable'), ('payout_returned', 'rail', 'payable'),
            ('payout_returned', 'free', 'payable'),
            ('repaid', 'due_to_shop', 'rail'), ('repaid', 'due_to_shop', 'free'),
            ('rail_fee', 'gateway_fee', 'rail'), ('rail_fee', 'rail', 'due_to_shop'),
            ('rail_fee', 'rail', 'gateway_fee'), ('rail_fee', 'free', 'gateway_fee'),
            ('0/lent', 'due_from_shop', 'suspense'), ('0/repaid', 'suspense', 'due_from_shop'),
            ('0/funded', 'suspense', 'bank'), ('0/reversed_funded', 'bank', 'suspense'),
            ('0/rail_lump', 'bank', 'suspense'), ('0/bank_took', 'suspense', 'bank'),
            ('0/bank_opening', 'bank', 'suspense'))"""


def _plain(account: str) -> str:
    """An account without its rail, as `_MOVES` calls it."""
    return f"""case when {account} like 'due_to_shop:%' then 'owed_to'
                  when {account} like 'due_from_shop:%' then 'owed_by' else
             case split_part({account}, ':', 1) when 'gateway_clearing' then 'rail'
                  when 'held_at' then 'held' when 'withdrawable' then 'free'
                  else split_part({account}, ':', 1) end end"""


_JOURNAL_MOVES_ITS_OWN = f"""
    select j.shop_id, j.journal_id as subject,
           j.kind || ' ' || j.reference || ' moved ' || t.debit || ' to ' || t.credit as says
      from journals j
      join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
      left join {_MOVES} as known(kind, debit, credit)
        on known.kind = case j.shop_id when 0 then '0/' else '' end || j.kind
       and known.debit = {_plain("t.debit")} and known.credit = {_plain("t.credit")}
     where ($1::bigint is null or j.shop_id = $1) and known.kind is null"""

# Every row that may have a journal: of which shop, kind and key, order, rail, and of how much.
_ROWS = """
    (select shop_id, case outcome when 'accepted' then 'paid' else 'received_astray' end as kind,
            reference as key, order_id, gateway, paid_minor as least, paid_minor as most
       from payments where status = 'paid' and ($1::bigint is null or shop_id = $1)
     union all
     select shop_id, 'received', order_id::text, order_id, null, 1, total_minor
       from orders where paid_at is not null and ($1::bigint is null or shop_id = $1)
     union all
     select r.shop_id, one.kind, one.key, r.order_id, p.gateway, one.least, one.most
       from refunds r
       join payments p on p.shop_id = r.shop_id and p.payment_id = r.payment_id
      cross join lateral (values
        ('refunded', r.reference, r.amount_minor, r.amount_minor, r.done_at is not null),
        ('refund_failed', r.reference, r.amount_minor, r.amount_minor,
         r.done_at is not null and r.status = 'failed'),
        ('paid_by_seller', r.reference, 1, r.amount_minor,
         r.done_at is not null and p.held_for is not null),
        ('repaid', r.reference, 1, r.amount_minor,
         r.advanced_at is not null and r.status = 'failed'
         or r.advanced_at is null and r.done_at is not null and p.held_for is not null),
        ('commission_returned', r.return_reference, r.return_minor, r.return_minor,
         r.returned_at is not null),
        ('loss_found', r.refund_id::text, 1, r.amount_minor,
         r.status = 'failed' and r.done_at is null),
        ('clawed_back', r.refund_id::text, 1, r.amount_minor, r.paid_from = 'escrow'))
         as one(kind, key, least, most, there)
      where one.there and ($1::bigint is null or r.shop_id = $1)
     union all
     select c.shop_id, 'chargeback_loss', c.chargeback_id::text, c.order_id, p.gateway,
            c.unbooked_minor + c.found_minor, c.unbooked_minor + c.found_minor
       from chargebacks c
       join payments p on p.shop_id = c.shop_id and p.payment_id = c.payment_id
      where c.status = 'lost' and ($1::bigint is null or c.shop_id = $1)
     union all
     select r.shop_id, one.kind, one.key, r.order_id, r.gateway, one.minor, one.minor
       from releases r
      cross join lateral (values
        ('commission_shared', r.share_reference, r.share_minor, r.shared_at is not null),
        ('released', r.release_reference, r.rest_minor, r.done_at is not null))
         as one(kind, key, minor, there)
      where one.there and ($1::bigint is null or r.shop_id = $1)
     union all
     select p.shop_id, one.kind, p.reference, null, null, one.minor, one.minor
       from payouts p
      cross join lateral (values
        ('payout', p.amount_minor), ('reversed_payout', p.amount_minor),
        ('paid_out', p.amount_minor), ('payout_returned', p.amount_minor),
        ('funded', p.need_minor), ('reversed_funded', p.need_minor)) as one(kind, minor)
      where $1::bigint is null or p.shop_id = $1
     union all
     select j.shop_id, j.kind, j.reference, j.order_id, null, o.minor, o.minor
       from journals j
      cross join lateral (
        select sum(t.amount_minor) as minor
          from journals other join transfers t
            on t.shop_id = other.shop_id and t.journal_id = other.journal_id
         where other.shop_id = split_part(j.reference, '/', 1)::bigint
           and other.kind = case j.kind when 'margin' then 'received'
                                        when 'margin_back' then 'clawed_back'
                                        when 'referral' then 'referral_released'
                                        when 'referral_back' then 'clawed_back'
                                        when 'came_over' then 'passed_on' end
           and other.reference = case j.kind when 'came_over' then j.shop_id || '/' else '' end
                                 || split_part(j.reference, '/', 2)
           and case when j.kind in ('margin_back', 'referral_back')
                    then t.debit = 'due_from_shop:' || j.shop_id
                    when j.kind in ('margin', 'referral')
                    then t.credit = 'due_to_shop:' || j.shop_id
                           else t.debit = 'due_to_shop:' || j.shop_id end) o
      where j.kind in ('margin', 'margin_back', 'referral', 'referral_back', 'came_over')
        and o.minor is not null and ($1::bigint is null or j.shop_id = $1)
     union all
     select shop_id, 'referral_released', order_id::text, order_id, null, 1, sum(amount_minor)
       from referrals where $1::bigint is null or shop_id = $1 group by shop_id, order_id
     union all
     select shop_id, kind, reference, null, null, 1, 9223372036854775807 from journals
      where kind = 'passed_on' and ($1::bigint is null or shop_id = $1)
     union all
     select 0, 'repaid', run_id::text, null, null, 1, 9223372036854775807 from runs
     union all
     select 0, 'rail_fee', gateway || '/' || day, null, gateway, 1, 9223372036854775807 from bills
     union all
     select 0, one.kind, p.reference, null, null, p.need_minor, p.need_minor
       from payouts p cross join (values ('funded'), ('reversed_funded')) as one(kind)
      where coalesce($1::bigint, 0) = 0 and p.rail = 'bank'
        and (one.kind = 'funded' or p.status = 'rejected')
     union all
     select 0, case j.kind when 'repaid' then 'repaid' else 'lent' end,
            j.shop_id || '/' || j.reference, null, null, sum(t.amount_minor), sum(t.amount_minor)
       from journals j join transfers t
         on t.shop_id = j.shop_id and t.journal_id = j.journal_id
      where coalesce($1::bigint, 0) = 0 and j.shop_id <> 0
        and 'due_to_shop' in (t.debit, t.credit)
      group by j.shop_id, j.kind, j.reference
     union all
     select 0, case outcome when 'lump' then 'rail_lump' else 'bank_took' end,
            right(account, 6) || '/' || entry_key, null, null, amount_minor, amount_minor
       from bank_entries where outcome in ('lump', 'taken') and coalesce($1::bigint, 0) = 0
     union all
     select 0, 'bank_opening', right(account, 6), null, null, opening_minor, opening_minor
       from bank_statements where is_first and coalesce($1::bigint, 0) = 0)"""

# A lost chargeback's journals bear a number that is not written in its row: they go by the order.
_LOST = """
    (select c.shop_id, one.kind, c.order_id, p.gateway,
            case when one.kind = 'charged_back' and c.found_minor = 0
                 then c.amount_minor - c.unbooked_minor else 1 end,
            c.amount_minor - c.unbooked_minor
       from chargebacks c
       join payments p on p.shop_id = c.shop_id and p.payment_id = c.payment_id
      cross join (values ('charged_back'), ('clawed_back')) as one(kind)
      where c.status = 'lost' and c.amount_minor > c.unbooked_minor
        and ($1::bigint is null or c.shop_id = $1))"""

_JOURNAL_HAS_ITS_ROW = f"""
    select /* all shops: a repayment's run and a fee's bill stand in shop 0 */
           j.shop_id, j.journal_id as subject, j.kind || ' ' || j.reference || ' of ' || j.minor
           || ': no row says so' as says
      from (select j.shop_id, j.journal_id, j.kind, j.reference, j.order_id,
                   case when j.kind in ('repaid', 'rail_fee') and j.order_id is null then 0
                        else j.shop_id end as of_shop,
                   case j.kind when 'rail_fee' then substring(j.reference from '^[^/]+/[^/]+')
                               else j.reference end as key,
                   sum(case when t.credit = 'due_to_shop' then 0
                            else t.amount_minor end) as minor,
                   min(rail.name) as one_rail, max(rail.name) as other_rail
              from journals j
              join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
             cross join lateral (values (coalesce(
                     substring(t.debit from '^(?:gateway_clearing|held_at|withdrawable):(.*)$'),
                     substring(t.credit from '^(?:gateway_clearing|held_at|withdrawable):(.*)$')
                   ))) as rail(name)
             where $1::bigint is null or j.shop_id = $1
             group by j.shop_id, j.journal_id, j.kind, j.reference, j.order_id) j
      left join {_ROWS} r on r.shop_id = j.of_shop and r.kind = j.kind and r.key = j.key
       and r.order_id is not distinct from j.order_id and j.minor between r.least and r.most
       and (r.gateway is null or (coalesce(j.one_rail, r.gateway) = r.gateway
                                  and coalesce(j.other_rail, r.gateway) = r.gateway))
      left join {_LOST} as c(shop_id, kind, order_id, gateway, least, most)
        on c.shop_id = j.shop_id and c.kind = j.kind and c.order_id = j.order_id
       and j.minor between c.least and c.most
       and coalesce(j.one_rail, c.gateway) = c.gateway
     where r.kind is null and c.kind is null"""

# What is owed to a seller: what was released less our fee, less what was paid out, and what an
# institution took from himself; what we have earned: the fees.
_EARNED_IS_RELEASED = f"""
    select coalesce(a.shop_id, e.shop_id) as shop_id, coalesce(a.account, e.account) as subject,
           'account ' || coalesce(a.minor, 0) || ', orders and payouts ' || coalesce(e.minor, 0)
           as says
      from (select shop_id, account, currency, credits_minor - debits_minor as minor from accounts
             where account in ('payable', 'commission')
               and ($1::bigint is null or shop_id = $1)) a
      full join (
        select shop_id, account, currency, sum(minor) as minor from (
          select o.shop_id, one.account, o.currency, one.minor
            from orders o
            left join order_fees f on f.shop_id = o.shop_id and f.order_id = o.order_id
            left join resales r on r.shop_id = o.shop_id and r.order_id = o.order_id
           cross join lateral fee_of(o.released_minor, coalesce(f.rate_bps, o.commission_bps),
                                     coalesce(f.fixed_minor, 0), coalesce(f.lowest_minor, 0),
                                     f.highest_minor) as fee
           cross join lateral resale_due(r.margin_minor, o.total_minor, o.released_minor, fee)
                   as due{GIVEN}
           cross join lateral (values ('commission', fee),
                                      ('payable', o.released_minor - fee - due
                                                  - given.first_due - given.second_due))
                 as one(account, minor)
           where o.released_minor > 0 and ($1::bigint is null or o.shop_id = $1)
           union all
          select shop_id, 'payable', currency, -amount_minor from payouts
           where status not in ('rejected', 'returned')
             and ($1::bigint is null or shop_id = $1)
           union all
          select j.shop_id, 'payable', t.currency, t.amount_minor
            from journals j join transfers t
              on t.shop_id = j.shop_id and t.journal_id = j.journal_id
           where j.kind = 'paid_by_seller' and ($1::bigint is null or j.shop_id = $1)
           union all
          select j.shop_id, 'payable', t.currency,
                 case t.credit when 'payable' then t.amount_minor else -t.amount_minor end
            from journals j join transfers t
              on t.shop_id = j.shop_id and t.journal_id = j.journal_id
           where j.kind in ('margin', 'margin_back', 'referral', 'referral_back')
             and ($1::bigint is null or j.shop_id = $1)) as parts
         group by shop_id, account, currency) e
        on e.shop_id = a.shop_id and e.account = a.account and e.currency = a.currency
     where coalesce(a.minor, 0) <> coalesce(e.minor, 0)"""

# Only a claw-back takes a seller's balance below zero: no payout takes more than there was.
_PAYOUT_WAS_OWED = """
    select shop_id, reference as subject, 'a payout left the balance at ' || left_over as says
      from (select j.shop_id, j.kind, j.reference,
                   sum(case 'payable' when t.credit then t.amount_minor
                                      else -t.amount_minor end)
                     over (partition by j.shop_id, t.currency
                               order by j.booked_at,
                                        j.kind in ('clawed_back', 'margin_back',
                                                   'referral_back')) as left_over
              from journals j join transfers t
                on t.shop_id = j.shop_id and t.journal_id = j.journal_id
             where 'payable' in (t.debit, t.credit)
               and ($1::bigint is null or j.shop_id = $1)) as movements
     where kind = 'payout' and left_over < 0"""

# What a rail kept of a shop's money on a day is what its bill says, where the money was not frozen;
# a row that our books had not when the bill was held against them has a journal of its own.
_FEE_IS_THE_BILLS = """
    select /* all shops: a rail's bill is of them all */
           coalesce(j.shop_id, b.shop_id) as shop_id, coalesce(j.reference, b.reference) as subject,
           'a fee of ' || coalesce(j.minor, 0) || ' out of ' || coalesce(j.pocket, b.pocket)
           || ', the bill says ' || coalesce(b.minor, 0) as says
      from (select j.shop_id, j.reference, pocket.name as pocket,
                   sum(case 'gateway_fee' when t.debit then t.amount_minor
                                          else -t.amount_minor end) as minor
              from journals j
              join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
             cross join lateral (values (case 'gateway_fee' when t.debit then t.credit
                                                            else t.debit end)) as pocket(name)
             where j.kind = 'rail_fee' and 'gateway_fee' in (t.debit, t.credit)
               and ($1::bigint is null or j.shop_id = $1)
             group by j.shop_id, j.reference, pocket.name) j
      full join (
        select told.shop_id, told.reference, told.pocket,
               coalesce(bool_and(told.explained), (
                 select compared_at is not null from bills b where b.shop_id = 0
                    and b.gateway = told.gateway and b.day = told.day)) as booked,
               case when told.pocket like 'withdrawable:%' then least(sum(told.fee_minor), 0)
                    else sum(told.fee_minor) end as minor
          from (select ours.shop_id, b.gateway, b.day, b.fee_minor,
                       d.explained_by = 'books' as explained,
                       case when free.lies then 'withdrawable:' else 'gateway_clearing:' end
                       || b.gateway as pocket,
                       b.gateway || '/' || b.day || case
                         when d.reference is not null then '/' || d.reference
                         when free.lies then '/held' else '' end as reference
                  from (select gateway, day, fee_minor,
                               coalesce(refund_reference, reference) as reference
                          from bill_rows where shop_id = 0 and fee_minor <> 0) b
                  join (select shop_id, gateway, reference from payments
                         where status = 'paid' and ($1::bigint is null or shop_id = $1)
                         union all
                        select r.shop_id, p.gateway, r.reference from refunds r
                          join payments p on p.shop_id = r.shop_id and p.payment_id = r.payment_id
                         where r.done_at is not null and r.done_by = 'rail'
                           and ($1::bigint is null or r.shop_id = $1)) ours
                    on ours.gateway = b.gateway and ours.reference = b.reference
                  left join journals j on j.shop_id = ours.shop_id and j.reference = b.reference
                   and j.kind in ('paid', 'received_astray', 'refunded')
                  left join transfers t on t.shop_id = j.shop_id
                   and t.journal_id = j.journal_id and t.position = 1
                  left join differences d on d.shop_id = 0 and d.gateway = b.gateway
                   and d.day = b.day and d.kind = 'missing_here' and d.reference = b.reference
                 cross join lateral (values (
                       case j.kind when 'refunded' then t.credit else t.debit end)) as lay(at)
                 cross join lateral (values (
                       coalesce(lay.at like 'withdrawable:%', false))) as free(lies)
                 where lay.at is null or lay.at not like 'held_at:%') as told
         group by told.shop_id, told.gateway, told.day, told.reference, told.pocket) b
        on b.shop_id = j.shop_id and b.reference = j.reference and b.pocket = j.pocket
     where (j.shop_id is not null or b.booked) and coalesce(j.minor, 0) <> coalesce(b.minor, 0)"""

# A shop repays what it was lent, and for a refund that failed no more than was lent for it. What
# was booked within a day and an hour counts as before it: two processes may have read the clock
# apart, and the demo's jumps by a day while a run goes on.
_REPAID_WAS_LENT = """
    select shop_id, reference as subject, 'repaid ' || repaid_by_then || ' in all, lent '
           || lent_by_then as says
      from (select m.*, sum(lent) over (partition by shop_id, currency order by booked_at
                          range between unbounded preceding and interval '25 hours' following)
                   as lent_by_then,
                   sum(repaid) over (partition by shop_id, currency order by booked_at)
                   as repaid_by_then
              from (select j.shop_id, j.reference, j.booked_at, t.currency,
                           sum(case t.credit when 'due_to_shop' then t.amount_minor else 0 end)
                           as lent,
                           sum(case t.debit when 'due_to_shop' then t.amount_minor else 0 end)
                           as repaid
                      from journals j join transfers t
                        on t.shop_id = j.shop_id and t.journal_id = j.journal_id
                     where 'due_to_shop' in (t.debit, t.credit)
                       and ($1::bigint is null or j.shop_id = $1)
                     group by j.shop_id, j.journal_id, j.reference, j.booked_at, t.currency) m
           ) as sums
     where repaid > 0 and repaid_by_then > lent_by_then
     union all
    select j.shop_id, j.reference, 'repaid ' || sum(t.amount_minor)
           || ' of a refund for which ' || coalesce(max(l.minor), 0) || ' was lent'
      from journals j
      join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
      left join (select j.shop_id, j.reference, sum(t.amount_minor) as minor
                   from journals j join transfers t
                     on t.shop_id = j.shop_id and t.journal_id = j.journal_id
                  where j.kind = 'refunded' and t.credit = 'due_to_shop'
                    and ($1::bigint is null or j.shop_id = $1)
                  group by j.shop_id, j.reference) l
        on l.shop_id = j.shop_id and l.reference = j.reference
     where j.kind = 'repaid' and j.order_id is not null
       and ($1::bigint is null or j.shop_id = $1)
     group by j.shop_id, j.journal_id, j.reference
    having sum(t.amount_minor) > coalesce(max(l.minor), 0)"""

RULES = {
    "journal_moves_its_own": _JOURNAL_MOVES_ITS_OWN,
    "journal_has_its_row": _JOURNAL_HAS_ITS_ROW,
    "earned_is_released": _EARNED_IS_RELEASED,
    "payout_was_owed": _PAYOUT_WAS_OWED,
    "fee_is_the_bills": _FEE_IS_THE_BILLS,
    "repaid_was_lent": _REPAID_WAS_LENT,
}
