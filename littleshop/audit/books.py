"""Proof of the books: what each rule says in SQL, and nothing else is believed."""

from __future__ import annotations

from littleshop.audit.referred import GIVEN

_JOURNAL_MOVES = """
    select j.shop_id, j.journal_id as subject, j.kind || ' moves nothing' as says
      from journals j
     where ($1::bigint is null or j.shop_id = $1)
       and not exists (select from transfers t
                        where t.shop_id = j.shop_id and t.journal_id = j.journal_id)"""

_JOURNAL_ONE_CURRENCY = """
    select t.shop_id, t.journal_id as subject, 'moves ' || count(distinct t.currency)
           || ' currencies' as says
      from transfers t where ($1::bigint is null or t.shop_id = $1)
     group by t.shop_id, t.journal_id having count(distinct t.currency) > 1"""

_TRIAL_BALANCE = """
    select a.shop_id, a.currency as subject,
           'debits ' || sum(a.debits_minor) || ', credits ' || sum(a.credits_minor) as says
      from accounts a where ($1::bigint is null or a.shop_id = $1)
     group by a.shop_id, a.currency having sum(a.debits_minor) <> sum(a.credits_minor)"""

_ACCOUNT_IS_ITS_TRANSFERS = """
    select coalesce(a.shop_id, m.shop_id) as shop_id, coalesce(a.account, m.account) as subject,
           'account says ' || coalesce(a.debits_minor, 0) || '/' || coalesce(a.credits_minor, 0)
           || ', transfers say ' || coalesce(m.debits, 0) || '/' || coalesce(m.credits, 0) as says
      from (select * from accounts where $1::bigint is null or shop_id = $1) a
      full join (select shop_id, account, currency, sum(debits) as debits, sum(credits) as credits
                   from (select shop_id, debit as account, currency, amount_minor as debits,
                                0 as credits from transfers
                          where $1::bigint is null or shop_id = $1
                         union all
                         select shop_id, credit, currency, 0, amount_minor from transfers
                          where $1::bigint is null or shop_id = $1) as both_sides
                  group by shop_id, account, currency) m
        on m.shop_id = a.shop_id and m.account = a.account and m.currency = a.currency
     where coalesce(a.debits_minor, 0) <> coalesce(m.debits, 0)
        or coalesce(a.credits_minor, 0) <> coalesce(m.credits, 0)"""

_ESCROW_IS_HELD_ORDERS = """
    select coalesce(a.shop_id, o.shop_id) as shop_id, 'escrow' as subject,
           'escrow ' || coalesce(a.minor, 0) || ', orders hold ' || coalesce(o.minor, 0) as says
      from (select shop_id, currency, credits_minor - debits_minor as minor from accounts
             where account = 'escrow' and ($1::bigint is null or shop_id = $1)) a
      full join (select shop_id, currency, sum(held_minor) as minor from orders
                  where $1::bigint is null or shop_id = $1 group by shop_id, currency) o
        on o.shop_id = a.shop_id and o.currency = a.currency
     where coalesce(a.minor, 0) <> coalesce(o.minor, 0)"""

_ORDER_HELD_IS_ITS_JOURNALS = """
    select o.shop_id, o.order_id as subject,
           'order holds ' || o.held_minor || ', journals say ' || coalesce(j.minor, 0) as says
      from orders o
      left join (select j.shop_id, j.order_id,
                        sum(case when t.credit = 'escrow' then t.amount_minor
                                 when t.debit = 'escrow' then -t.amount_minor else 0 end) as minor
                   from journals j join transfers t
                     on t.shop_id = j.shop_id and t.journal_id = j.journal_id
                  where j.order_id is not null and ($1::bigint is null or j.shop_id = $1)
                  group by j.shop_id, j.order_id) j
        on j.shop_id = o.shop_id and j.order_id = o.order_id
     where ($1::bigint is null or o.shop_id = $1) and o.held_minor <> coalesce(j.minor, 0)"""

_PAID_ORDER_HAS_ITS_PAYMENT = """
    select o.shop_id, o.order_id as subject, o.status || ' with '
           || (select count(*) from payments p where p.shop_id = o.shop_id
                and p.order_id = o.order_id and p.outcome = 'accepted') || ' payments' as says
      from orders o
     where ($1::bigint is null or o.shop_id = $1)
       and (o.kind <> 'chip_in' and (o.paid_at is not null) <> exists (
             select from payments p where p.shop_id = o.shop_id and p.order_id = o.order_id
                and p.outcome = 'accepted')
         or o.kind = 'chip_in' and o.paid_at is not null and o.total_minor <> (
             select coalesce(sum(p.paid_minor), 0) from payments p where p.shop_id = o.shop_id
                and p.order_id = o.order_id and p.outcome = 'accepted'))"""

_PAYMENT_IS_BOOKED = """
    select p.shop_id, p.reference as subject, p.outcome || ' and not booked as it came in' as says
      from payments p
     where ($1::bigint is null or p.shop_id = $1) and p.status = 'paid'
       and not exists (
             select from journals j join transfers t
                 on t.shop_id = j.shop_id and t.journal_id = j.journal_id
              where j.shop_id = p.shop_id and j.reference = p.reference
                and j.kind = case p.outcome when 'accepted' then 'paid' else 'received_astray' end
                and t.amount_minor = p.paid_minor)"""

_RETURNED_GOES_BACK = """
    select p.shop_id, p.reference as subject, 'returned, but refunds sum to '
           || coalesce(r.minor, 0) || ' of ' || p.paid_minor as says
      from payments p
      left join (select shop_id, payment_id, sum(amount_minor) as minor from refunds
                  where status <> 'failed' and ($1::bigint is null or shop_id = $1)
                  group by shop_id, payment_id) r
        on r.shop_id = p.shop_id and r.payment_id = p.payment_id
     where ($1::bigint is null or p.shop_id = $1) and p.status = 'paid'
       and ((p.outcome = 'returned' and coalesce(r.minor, 0) <> p.paid_minor)
         or coalesce(r.minor, 0) > p.paid_minor)"""

_REFUNDS_FIT_THE_ORDER = """
    select o.shop_id, o.order_id as subject, o.status || ' of ' || o.total_minor
           || ', went back ' || o.refunded_minor || ', refunds done ' || coalesce(r.done, 0)
           || ' and under way ' || coalesce(r.asked, 0) || ', held ' || o.held_minor as says
      from orders o
      left join (select shop_id, order_id,
                        sum(amount_minor) filter (where status = 'done') as done,
                        sum(amount_minor) filter (where status in ('asked', 'stuck')) as asked
                   from refunds
                  where paid_from = 'escrow' and ($1::bigint is null or shop_id = $1)
                  group by shop_id, order_id) r
        on r.shop_id = o.shop_id and r.order_id = o.order_id
      left join (select shop_id, order_id, sum(amount_minor - unbooked_minor) as lost
                   from chargebacks
                  where status = 'lost' and ($1::bigint is null or shop_id = $1)
                  group by shop_id, order_id) c
        on c.shop_id = o.shop_id and c.order_id = o.order_id
     where ($1::bigint is null or o.shop_id = $1)
       and (o.refunded_minor <> coalesce(r.done, 0) + coalesce(c.lost, 0)
         or o.held_minor < coalesce(r.asked, 0)
         or (o.status in ('cancelled', 'refunded', 'received', 'closed')
             and o.held_minor <> coalesce(r.asked, 0))
         or (o.status = 'refunded' and o.released_minor > 0))"""

_PAYMENT_KNOWS_ITS_REFUNDS = """
    select p.shop_id, p.reference as subject, 'says ' || p.refunded_minor
           || ' goes back, refunds sum to ' || coalesce(r.minor, 0) as says
      from payments p
      left join (select shop_id, payment_id, sum(minor) as minor
                   from (select shop_id, payment_id, amount_minor as minor from refunds
                          where status <> 'failed' and ($1::bigint is null or shop_id = $1)
                         union all
                         select shop_id, payment_id, amount_minor - unbooked_minor
                           from chargebacks
                          where status = 'lost'
                            and ($1::bigint is null or shop_id = $1)) as given_back
                  group by shop_id, payment_id) r
        on r.shop_id = p.shop_id and r.payment_id = p.payment_id
     where ($1::bigint is null or p.shop_id = $1)
       and p.refunded_minor <> coalesce(r.minor, 0)"""

_REFUND_IS_BOOKED = """
    select r.shop_id, r.reference as subject, r.status || ' with '
           || (select count(*) from journals j
                where j.shop_id = r.shop_id and j.kind = 'refunded' and j.reference = r.reference)
           || ' journals, or another sum or account' as says
      from refunds r
     where ($1::bigint is null or r.shop_id = $1)
       and (r.done_at is not null) <> exists (
             select from journals j join transfers t
                 on t.shop_id = j.shop_id and t.journal_id = j.journal_id
              where j.shop_id = r.shop_id and j.kind = 'refunded' and j.reference = r.reference
                and t.debit = r.paid_from and t.amount_minor = r.amount_minor)"""

# Money of a refund that failed after it was done has come back, and another one stands for it; of
# those that were never done, what none stands for has gone by the buyer's bank instead.
_FAILED_REFUND_CAME_BACK = """
    select r.shop_id, r.reference as subject, 'failed, and what came back is not booked or '
           || 'no other refund stands for it' as says
      from refunds r
     where r.status = 'failed' and ($1::bigint is null or r.shop_id = $1)
       and (r.done_at is not null and not exists (
             select from refunds n where n.shop_id = r.shop_id and n.replaces = r.refund_id
                and n.amount_minor = r.amount_minor and n.paid_from = r.paid_from)
         or r.done_at is null and (
             select sum(f.amount_minor - coalesce(n.amount_minor, 0))
               from refunds f left join refunds n on n.shop_id = f.shop_id
                    and n.replaces = f.refund_id and n.paid_from = f.paid_from
              where f.shop_id = r.shop_id and f.payment_id = r.payment_id
                and f.status = 'failed' and f.done_at is null)
             > (select coalesce(sum(c.amount_minor - c.unbooked_minor), 0) from chargebacks c
                 where c.shop_id = r.shop_id and c.payment_id = r.payment_id
                   and c.status = 'lost')
         or (r.done_at is not null) <> exists (
             select from journals j join transfers t
                 on t.shop_id = j.shop_id and t.journal_id = j.journal_id
              where j.shop_id = r.shop_id and j.kind = 'refund_failed'
                and j.reference = r.reference and t.credit = r.paid_from
                and t.amount_minor = r.amount_minor))"""

_RELEASED_IS_SPLIT_AS_AGREED = f"""
    select o.shop_id, o.order_id as subject, 'of ' || o.released_minor || ' commission has '
           || coalesce(t.commission, 0) || ', the seller ' || coalesce(t.payable, 0)
           || ', who sold it ' || coalesce(t.margin, 0) || ' and sharers '
           || coalesce(t.referred, 0) as says
      from orders o
      left join (select j.shop_id, j.order_id,
                        sum(case 'commission' when t.credit then t.amount_minor
                                              when t.debit then -t.amount_minor end) as commission,
                        sum(case 'payable' when t.credit then t.amount_minor
                                           when t.debit then -t.amount_minor end) as payable,
                        sum(case when t.credit like 'due_to_shop:%' then t.amount_minor
                                 when t.debit like 'due_from_shop:%' and s.order_id is not null
                                 then -t.amount_minor end) as margin,
                        sum(case when t.credit = 'referral_held' then t.amount_minor
                                 when t.debit = 'referral_held'
                                   or t.debit like 'due_from_shop:%' and s.order_id is null
                                 then -t.amount_minor end) as referred
                   from journals j join transfers t
                     on t.shop_id = j.shop_id and t.journal_id = j.journal_id
                   left join resales s on s.shop_id = j.shop_id and s.order_id = j.order_id
                  where j.kind in ('received', 'clawed_back')
                    and ($1::bigint is null or j.shop_id = $1)
                  group by j.shop_id, j.order_id) t
        on t.shop_id = o.shop_id and t.order_id = o.order_id
      left join order_fees f on f.shop_id = o.shop_id and f.order_id = o.order_id
      left join resales r on r.shop_id = o.shop_id and r.order_id = o.order_id
     cross join lateral fee_of(o.released_minor, coalesce(f.rate_bps, o.commission_bps),
                               coalesce(f.fixed_minor, 0), coalesce(f.lowest_minor, 0),
                               f.highest_minor) as fee
     cross join lateral resale_due(r.margin_minor, o.total_minor, o.released_minor, fee)
             as due{GIVEN}
     where ($1::bigint is null or o.shop_id = $1)
       and (coalesce(t.commission, 0), coalesce(t.payable, 0), coalesce(t.margin, 0),
            coalesce(t.referred, 0)) <>
           (fee::numeric,
            (o.released_minor - fee - due - given.first_due - given.second_due)::numeric,
            due::numeric, (given.first_due + given.second_due)::numeric)"""

# What was agreed is the schedule's, for the rail that the order was paid over; of a payment that an
# institution holds it is not more than it gives us.
_FEE_IS_AS_SCHEDULED = """
    select f.shop_id, f.order_id as subject, 'a fee that its schedule does not say' as says
      from order_fees f
      join orders o on o.shop_id = f.shop_id and o.order_id = f.order_id
      left join payments p on p.shop_id = f.shop_id and p.order_id = f.order_id
           and p.outcome = 'accepted' and o.kind <> 'chip_in'
      left join fee_rates r on r.schedule_id = f.schedule_id and r.gateway = p.gateway
      left join fee_rates s on s.schedule_id = f.schedule_id and s.gateway = coalesce(r.gateway, '')
      left join lateral (
        select p.amount_minor * 3000 / 10000 as most
         where p.held_for is not null
           and fee_of(p.amount_minor, s.rate_bps, s.fixed_minor, s.lowest_minor, s.highest_minor)
               > p.amount_minor * 3000 / 10000) as cap on true
     where ($1::bigint is null or f.shop_id = $1)
       and (f.gateway, f.rate_bps, f.fixed_minor, f.lowest_minor, coalesce(f.highest_minor, -1))
           is distinct from
           (coalesce(r.gateway, ''), s.rate_bps, s.fixed_minor, least(s.lowest_minor, cap.most),
            coalesce(cap.most, s.highest_minor, -1))"""

# A case that waits for somebody has the clock that decides when nobody acts.
_CASE_HAS_ITS_TIMER = """
    select c.shop_id, c.case_id as subject, c.status || ' and no clock runs' as says
      from cases c
     where ($1::bigint is null or c.shop_id = $1)
       and c.status in ('asked', 'returning', 'sent_back', 'replacing', 'refused')
       and not exists (
             select from timers t where t.shop_id = c.shop_id and t.subject = c.order_id
                and t.kind = case c.status when 'asked' then 'case_answer'
                                           when 'returning' then 'case_send_back'
                                           when 'sent_back' then 'case_take_back'
                                           when 'replacing' then 'case_replace'
                                           else 'case_escalate' end)"""

# Of what was replaced by less, the bank took the rest.
_CASE_HAS_ITS_REFUND = """
    select c.shop_id, c.case_id as subject, c.status || ', agreed '
           || coalesce(c.agreed_minor, 0) || ', refunds ' || coalesce(r.minor, 0) as says
      from cases c
      left join (select f.shop_id, f.case_id,
                        sum(f.amount_minor - case f.status when 'failed' then n.amount_minor
                                                           else 0 end) as minor,
                        bool_and(f.status in ('done', 'failed') or f.replaces is not null) as done
                   from refunds f
                   left join refunds n on n.shop_id = f.shop_id and n.replaces = f.refund_id
                  where f.case_id is not null and (f.status <> 'failed' or n.refund_id is not null)
                    and ($1::bigint is null or f.shop_id = $1)
                  group by f.shop_id, f.case_id) r
        on r.shop_id = c.shop_id and r.case_id = c.case_id
     where ($1::bigint is null or c.shop_id = $1)
       and ((c.status in ('refunding', 'done')
             and coalesce(r.minor, 0) <> coalesce(c.agreed_minor, 0))
         or (c.status not in ('refunding', 'done') and r.minor is not null)
         or (c.status = 'done' and not coalesce(r.done, true)))"""

# What the platform lent a shop stands in both books, once its job is done.
_LENT_ON_BOTH_SIDES = """
    select /* all shops: the platform's side stands in shop 0 */
           s.shop_id, s.reference as subject, s.kind || ' ' || s.minor || ' in the shop, '
           || coalesce(p.minor, 0) || ' in the platform''s books' as says
      from (select j.shop_id, j.kind, j.reference, sum(t.amount_minor) as minor
              from journals j join transfers t
                on t.shop_id = j.shop_id and t.journal_id = j.journal_id
             where 'due_to_shop' in (t.credit, t.debit)
               and ($1::bigint is null or j.shop_id = $1)
             group by j.shop_id, j.kind, j.reference) s
      left join (select j.kind, j.reference, sum(t.amount_minor) as minor
                   from journals j join transfers t
                     on t.shop_id = j.shop_id and t.journal_id = j.journal_id
                  where j.shop_id = 0 and 'due_from_shop' in (t.credit, t.debit)
                  group by j.kind, j.reference) p
        on p.reference = s.shop_id || '/' || s.reference
       and p.kind = case s.kind when 'repaid' then 'repaid' else 'lent' end
     where s.minor <> coalesce(p.minor, 0) and not exists (
             select from jobs b where b.held_at is null
                and b.arguments ->> 'reference' = s.shop_id || '/' || s.reference)"""

_STATE_HAS_ITS_TIMER = """
    select o.shop_id, o.order_id as subject, o.status || ' and no clock runs' as says
      from orders o
     where ($1::bigint is null or o.shop_id = $1)
       and o.status in ('waiting', 'invited', 'placed', 'collecting', 'claiming', 'forming',
                        'to_ship', 'shipped', 'delivered', 'received')
       and not exists (
             select from timers t where t.shop_id = o.shop_id and t.subject = o.order_id
                and t.kind = case o.status when 'waiting' then 'pay_by' when 'invited' then 'pay_by'
                                           when 'placed' then 'pay_by'
                                           when 'collecting' then 'pay_by'
                                           when 'claiming' then 'claim_by'
                                           when 'forming' then 'form_by'
                                           when 'to_ship' then 'ship_at_last'
                                           when 'received' then 'close' else 'confirm_by' end)"""

_SUSPENSE_IS_RETURNS_UNDER_WAY = """
    select coalesce(a.shop_id, r.shop_id) as shop_id, 'suspense' as subject,
           'suspense ' || coalesce(a.minor, 0) || ', returns under way ' || coalesce(r.minor, 0)
           as says
      from (select shop_id, currency, credits_minor - debits_minor as minor from accounts
             where account = 'suspense' and shop_id <> 0
               and ($1::bigint is null or shop_id = $1)) a
      full join (select shop_id, currency, sum(amount_minor) as minor from refunds
                  where status in ('asked', 'stuck') and paid_from = 'suspense'
                    and ($1::bigint is null or shop_id = $1) group by shop_id, currency) r
        on r.shop_id = a.shop_id and r.currency = a.currency
     where coalesce(a.minor, 0) <> coalesce(r.minor, 0)"""

RULES = {
    "journal_moves": _JOURNAL_MOVES,
    "journal_one_currency": _JOURNAL_ONE_CURRENCY,
    "trial_balance": _TRIAL_BALANCE,
    "account_is_its_transfers": _ACCOUNT_IS_ITS_TRANSFERS,
    "escrow_is_held_orders": _ESCROW_IS_HELD_ORDERS,
    "order_held_is_its_journals": _ORDER_HELD_IS_ITS_JOURNALS,
    "paid_order_has_its_payment": _PAID_ORDER_HAS_ITS_PAYMENT,
    "payment_is_booked": _PAYMENT_IS_BOOKED,
    "returned_goes_back": _RETURNED_GOES_BACK,
    "refunds_fit_the_order": _REFUNDS_FIT_THE_ORDER,
    "payment_knows_its_refunds": _PAYMENT_KNOWS_ITS_REFUNDS,
    "refund_is_booked": _REFUND_IS_BOOKED,
    "failed_refund_came_back": _FAILED_REFUND_CAME_BACK,
    "released_is_split_as_agreed": _RELEASED_IS_SPLIT_AS_AGREED,
    "fee_is_as_scheduled": _FEE_IS_AS_SCHEDULED,
    "state_has_its_timer": _STATE_HAS_ITS_TIMER,
    "case_has_its_timer": _CASE_HAS_ITS_TIMER,
    "case_has_its_refund": _CASE_HAS_ITS_REFUND,
    "lent_on_both_sides": _LENT_ON_BOTH_SIDES,
    "suspense_is_returns_under_way": _SUSPENSE_IS_RETURNS_UNDER_WAY,
}
