"""Proof of the money that institutions hold: frozen until it is released, then the seller's."""

from __future__ import annotations

_HELD_WHERE_IT_WAS_PAID = """
    select p.shop_id, p.reference as subject,
           'held for ' || coalesce(p.held_for, 'nobody') || ', booked to ' || t.debit as says
      from payments p
      join journals j on j.shop_id = p.shop_id and j.reference = p.reference
       and j.kind in ('paid', 'received_astray')
      join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
     where ($1::bigint is null or p.shop_id = $1)
       and t.debit <> case when p.held_for is null then 'gateway_clearing:' else 'held_at:' end
                      || p.gateway"""

# What is frozen: what was paid less what went back, until the rest of it is released.
_HELD_AT_IS_HELD_PAYMENTS = """
    select coalesce(a.shop_id, p.shop_id) as shop_id, coalesce(a.account, p.account) as subject,
           'account ' || coalesce(a.minor, 0) || ', payments ' || coalesce(p.minor, 0) as says
      from (select shop_id, account, currency, debits_minor - credits_minor as minor from accounts
             where account like 'held_at:%' and ($1::bigint is null or shop_id = $1)) a
      full join (
        select p.shop_id, 'held_at:' || p.gateway as account, p.paid_currency as currency,
               sum(case r.status when 'done' then 0 when 'shared' then r.rest_minor
                                 else p.paid_minor - coalesce(b.minor, 0) end) as minor
          from payments p
          left join releases r on r.shop_id = p.shop_id and r.payment_id = p.payment_id
          left join (select shop_id, payment_id, sum(minor) as minor from (
                       select shop_id, payment_id, amount_minor as minor from refunds
                        where status = 'done' and ($1::bigint is null or shop_id = $1)
                        union all
                       select shop_id, payment_id, amount_minor - unbooked_minor from chargebacks
                        where status = 'lost' and ($1::bigint is null or shop_id = $1)) as gone
                      group by shop_id, payment_id) b
            on b.shop_id = p.shop_id and b.payment_id = p.payment_id
         where p.status = 'paid' and p.held_for is not null
           and ($1::bigint is null or p.shop_id = $1)
         group by p.shop_id, p.gateway, p.paid_currency) p
        on p.shop_id = a.shop_id and p.account = a.account and p.currency = a.currency
     where coalesce(a.minor, 0) <> coalesce(p.minor, 0)"""

_SELLER_IS_OWED_WHAT_IS_RELEASED = """
    select o.shop_id, o.order_id as subject, 'the seller is owed ' || o.released_minor
           || ' that nobody was asked to release' as says
      from orders o
      join payments p on p.shop_id = o.shop_id and p.order_id = o.order_id
       and p.outcome = 'accepted' and p.held_for is not null
     where ($1::bigint is null or o.shop_id = $1) and o.released_minor > 0
       and not exists (select from releases r
                        where r.shop_id = p.shop_id and r.payment_id = p.payment_id)"""

_RELEASE_IS_BOOKED = """
    select r.shop_id, r.release_reference as subject, r.status || ' with commission '
           || coalesce(r.share_minor, 0) || ', rest ' || coalesce(r.rest_minor, 0) || ', released '
           || coalesce(r.released_minor, 0) || '; booked ' || coalesce(b.share, 0) || ', '
           || coalesce(b.rest, 0) || ', ' || coalesce(b.released, 0) as says
      from releases r
      left join (select j.shop_id, j.order_id,
                        sum(t.amount_minor) filter (where j.kind = 'commission_shared'
                          and t.debit like 'gateway_clearing:%') as share,
                        sum(t.amount_minor) filter (where j.kind = 'released') as rest,
                        sum(t.amount_minor) filter (where j.kind = 'released'
                          and t.debit like 'withdrawable:%') as released
                   from journals j join transfers t
                     on t.shop_id = j.shop_id and t.journal_id = j.journal_id
                  where j.kind in ('commission_shared', 'released') and t.credit like 'held_at:%'
                    and ($1::bigint is null or j.shop_id = $1)
                  group by j.shop_id, j.order_id) b
        on b.shop_id = r.shop_id and b.order_id = r.order_id
     where ($1::bigint is null or r.shop_id = $1)
       and ((case when r.shared_at is null then 0 else r.share_minor end)
            <> coalesce(b.share, 0)
         or (case when r.done_at is null then 0 else r.rest_minor end) <> coalesce(b.rest, 0)
         or (case when r.done_at is null then 0 else r.released_minor end)
            <> coalesce(b.released, 0))"""

_COMMISSION_RETURN_IS_BOOKED = """
    select r.shop_id, r.return_reference as subject, 'commission of ' || r.return_minor
           || case when r.returned_at is null then ' not' else '' end || ' returned, booked '
           || coalesce(b.minor, 0) as says
      from refunds r
      left join (select j.shop_id, j.reference, sum(t.amount_minor) as minor
                   from journals j join transfers t
                     on t.shop_id = j.shop_id and t.journal_id = j.journal_id
                  where j.kind = 'commission_returned' and t.debit like 'withdrawable:%'
                    and ($1::bigint is null or j.shop_id = $1)
                  group by j.shop_id, j.reference) b
        on b.shop_id = r.shop_id and b.reference = r.return_reference
     where ($1::bigint is null or r.shop_id = $1) and r.return_reference is not null
       and coalesce(b.minor, 0) <> case when r.returned_at is null then 0 else r.return_minor end"""

_REFUND_LEFT_WHERE_IT_LAY = """
    select r.shop_id, r.reference as subject,
           case when r.advanced_at is null then '' else 'advanced, ' end
           || coalesce('released ' || l.done_at, 'not released') || ', taken from ' || t.credit
           as says
      from refunds r
      join payments p on p.shop_id = r.shop_id and p.payment_id = r.payment_id
      join journals j on j.shop_id = r.shop_id and j.reference = r.reference
       and j.kind = 'refunded'
      join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
       and t.debit = r.paid_from
      left join releases l on l.shop_id = p.shop_id and l.payment_id = p.payment_id
     where ($1::bigint is null or r.shop_id = $1) and r.status = 'done'
       and t.credit <>
           case when p.held_for is null or r.advanced_at is not null then 'gateway_clearing:'
                when l.done_at = r.done_at and t.credit like 'held_at:%' then 'held_at:'
                when l.done_at <= r.done_at then 'withdrawable:'
                else 'held_at:' end || p.gateway"""

# What an institution took from the account on which it has paid the seller.
_SELLER_PAID_A_REFUND = """
    select j.shop_id, j.reference as subject, 'the seller is said to have paid '
           || sum(t.amount_minor) || ' of ' || coalesce(max(r.amount_minor), 0) as says
      from journals j
      join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
      left join refunds r on r.shop_id = j.shop_id and r.reference = j.reference
       and r.done_at is not null and r.advanced_at is null
     where ($1::bigint is null or j.shop_id = $1) and j.kind = 'paid_by_seller'
     group by j.shop_id, j.reference
    having sum(t.amount_minor) > coalesce(max(r.amount_minor), 0)"""

RULES = {
    "held_where_it_was_paid": _HELD_WHERE_IT_WAS_PAID,
    "held_at_is_held_payments": _HELD_AT_IS_HELD_PAYMENTS,
    "seller_is_owed_what_is_released": _SELLER_IS_OWED_WHAT_IS_RELEASED,
    "release_is_booked": _RELEASE_IS_BOOKED,
    "commission_return_is_booked": _COMMISSION_RETURN_IS_BOOKED,
    "refund_left_where_it_lay": _REFUND_LEFT_WHERE_IT_LAY,
    "seller_paid_a_refund": _SELLER_PAID_A_REFUND,
}
