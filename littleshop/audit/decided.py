"""Proof that what the books rely on took place: a receipt, an admission."""

from __future__ import annotations

# Money is the seller's when the buyer received; of a seller who is settled directly, or was then,
# when it was paid.
_RELEASED_WAS_RECEIVED = """
    select o.shop_id, o.order_id as subject, o.status || ' and received by nobody, but '
           || o.released_minor || ' is released' as says
      from orders o
      left join shop_terms t on t.shop_id = o.shop_id
      left join (select shop_id, order_id, max(at) as at
                   from (select shop_id, order_id, booked_at as at from journals
                          where kind = 'received' and ($1::bigint is null or shop_id = $1)
                         union all
                         select shop_id, order_id, asked_at from releases
                          where not by_itself
                            and ($1::bigint is null or shop_id = $1)) as each_one
                  group by shop_id, order_id) b
        on b.shop_id = o.shop_id and b.order_id = o.order_id
     where ($1::bigint is null or o.shop_id = $1) and o.received_at is null
       and (o.released_minor > 0 or b.order_id is not null)
       and not coalesce(t.direct_since <= o.placed_at
                        or (t.changed_at > o.placed_at
                            and (b.at = o.paid_at or o.kind in ('gift', 'team'))), false)"""

# Where an institution holds money is an account that it admitted for this shop.
_HELD_FOR_THE_ADMITTED = """
    select h.shop_id, h.reference as subject, h.gateway || ' holds it for ' || h.merchant_id
           || ', who is not this shop there' as says
      from (select shop_id, reference, gateway, held_for as merchant_id from payments
             where held_for is not null and ($1::bigint is null or shop_id = $1)
            union all
            select shop_id, release_reference, gateway, merchant_id from releases
             where $1::bigint is null or shop_id = $1) h
      left join (select distinct shop_id, gateway, merchant_id from admissions
                  where status in ('admitted', 'replaced')
                    and ($1::bigint is null or shop_id = $1)) a
        on a.shop_id = h.shop_id and a.gateway = h.gateway and a.merchant_id = h.merchant_id
     where a.shop_id is null"""

# A chargeback was told to its order when the rail told us, and again when the bank had decided.
_CHARGEBACK_WAS_HEARD = """
    select coalesce(c.shop_id, e.shop_id) as shop_id, coalesce(c.order_id, e.order_id) as subject,
           'chargebacks ' || coalesce(c.opened, 0) || ', won ' || coalesce(c.won, 0) || ', lost '
           || coalesce(c.lost, 0) || '; heard of ' || coalesce(e.opened, 0) || ', '
           || coalesce(e.won, 0) || ', ' || coalesce(e.lost, 0) as says
      from (select c.shop_id, c.order_id, count(*) as opened,
                   count(*) filter (where c.status = 'won') as won,
                   count(*) filter (where c.status = 'lost') as lost
              from chargebacks c
              join payments p on p.shop_id = c.shop_id and p.payment_id = c.payment_id
               and p.outcome = 'accepted'
             where $1::bigint is null or c.shop_id = $1
             group by c.shop_id, c.order_id) c
      full join (select shop_id, order_id, count(*) filter (where kind = 'charged_back') as opened,
                        count(*) filter (where kind = 'chargeback_won') as won,
                        count(*) filter (where kind = 'chargeback_lost') as lost
                   from order_events
                  where kind in ('charged_back', 'chargeback_won', 'chargeback_lost')
                    and ($1::bigint is null or shop_id = $1)
                  group by shop_id, order_id) e
        on e.shop_id = c.shop_id and e.order_id = c.order_id
     where (coalesce(c.opened, 0), coalesce(c.won, 0), coalesce(c.lost, 0))
           <> (coalesce(e.opened, 0), coalesce(e.won, 0), coalesce(e.lost, 0))"""

# A line of an order's history that says money moved has the row that moved it. (What a chargeback
# says is proved both ways above.)
_EVENT_HAS_ITS_ROW = """
    select e.shop_id, e.order_id as subject, 'its history says ' || e.kind || ' ' || e.times
           || ' times, the books ' || coalesce(r.times, 0) as says
      from (select shop_id, order_id, kind, count(*) as times from order_events
             where kind in ('paid', 'payment_returned', 'refund_done', 'refund_agreed',
                            'called_off', 'received')
               and ($1::bigint is null or shop_id = $1)
             group by shop_id, order_id, kind) e
      left join (
        select shop_id, order_id, kind, count(*) as times from (
          select shop_id, order_id, case outcome when 'accepted' then 'paid'
                                                 else 'payment_returned' end as kind
            from payments where status = 'paid' and ($1::bigint is null or shop_id = $1)
           union all
          select shop_id, order_id, 'refund_done' from refunds
           where done_at is not null and ($1::bigint is null or shop_id = $1)
           union all
          select shop_id, order_id, 'refund_agreed' from cases
           where agreed_minor is not null and ($1::bigint is null or shop_id = $1)
           union all
          select shop_id, order_id, one.kind from orders
           cross join lateral (values ('received', received_at is not null),
                                      ('called_off', refunded_at is not null))
                 as one(kind, there)
           where one.there and ($1::bigint is null or shop_id = $1)) as each_one
         group by shop_id, order_id, kind) r
        on r.shop_id = e.shop_id and r.order_id = e.order_id and r.kind = e.kind
     where e.times > coalesce(r.times, 0)"""

RULES = {
    "released_was_received": _RELEASED_WAS_RECEIVED,
    "held_for_the_admitted": _HELD_FOR_THE_ADMITTED,
    "chargeback_was_heard": _CHARGEBACK_WAS_HEARD,
    "event_has_its_row": _EVENT_HAS_ITS_ROW,
}
