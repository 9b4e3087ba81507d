"""Proof of the stock: on hand is what moved, held is what open orders were promised."""

from __future__ import annotations

_ON_HAND_IS_MOVEMENTS = """
    select v.shop_id, v.variant_id as subject,
           'on hand ' || v.on_hand || ', moved ' || coalesce(m.quantity, 0) as says
      from variants v
      left join (select shop_id, variant_id, sum(quantity) as quantity from stock_movements
                  where $1::bigint is null or shop_id = $1 group by shop_id, variant_id) m
        on m.shop_id = v.shop_id and m.variant_id = v.variant_id
     where ($1::bigint is null or v.shop_id = $1) and v.on_hand <> coalesce(m.quantity, 0)"""

# Held is what open orders were promised, and what open invitations keep for one person.
_HELD_IS_OPEN_ORDERS = """
    select v.shop_id, v.variant_id as subject,
           'held ' || v.held || ', open orders want ' || coalesce(i.quantity, 0)
           || ', invitations keep ' || coalesce(k.quantity, 0) as says
      from variants v
      left join (select i.shop_id, i.variant_id, sum(i.quantity) as quantity
                   from order_items i join orders o
                     on o.shop_id = i.shop_id and o.order_id = i.order_id
                  where o.status in ('placed', 'collecting', 'claiming', 'forming', 'to_ship')
                    and ($1::bigint is null or o.shop_id = $1)
                  group by i.shop_id, i.variant_id) i
        on i.shop_id = v.shop_id and i.variant_id = v.variant_id
      left join (select l.shop_id, l.variant_id, sum(l.quantity) as quantity
                   from invitations n join invitation_lines l
                     on l.shop_id = n.shop_id and l.invitation_id = n.invitation_id
                  where n.holding and ($1::bigint is null or n.shop_id = $1)
                  group by l.shop_id, l.variant_id) k
        on k.shop_id = v.shop_id and k.variant_id = v.variant_id
     where ($1::bigint is null or v.shop_id = $1)
       and v.held <> coalesce(i.quantity, 0) + coalesce(k.quantity, 0)"""

_SHIPPED_ONCE = """
    select o.shop_id, o.order_id as subject,
           'lines want ' || i.quantity || ', shipped ' || coalesce(m.quantity, 0) as says
      from orders o
      join (select shop_id, order_id, sum(quantity) as quantity from order_items
             where $1::bigint is null or shop_id = $1 group by shop_id, order_id) i
        on i.shop_id = o.shop_id and i.order_id = o.order_id
      left join (select shop_id, order_id, -sum(quantity) as quantity from stock_movements
                  where reason in ('shipped', 'unshipped', 'reshipped')
                    and ($1::bigint is null or shop_id = $1)
                  group by shop_id, order_id) m
        on m.shop_id = o.shop_id and m.order_id = o.order_id
     where ($1::bigint is null or o.shop_id = $1)
       and coalesce(m.quantity, 0) <> case when o.shipped_at is null then 0 else i.quantity end"""

# However often goods are said to come back, no more come than went out for the order.
_RETURNED_WAS_SHIPPED = """
    select m.shop_id, m.order_id as subject, sum(m.quantity)
           || ' more came back than went out of variant ' || m.variant_id as says
      from stock_movements m
     where m.order_id is not null and ($1::bigint is null or m.shop_id = $1)
     group by m.shop_id, m.order_id, m.variant_id having sum(m.quantity) > 0"""

# What is taken of an invitation, a team, a coupon or a credit is what orders took that did not end
# unpaid.
_TAKEN_IS_CLAIMED = """
    select c.shop_id, c.claim_id as subject, c.kind || ' has ' || c.taken
           || ' taken, orders hold ' || coalesce(o.held, 0) || ', cancelled ones '
           || coalesce(o.dead, 0) as says
      from claims c
      left join (select k.shop_id, k.claim_id, sum(k.amount) filter (where k.held) as held,
                        count(*) filter (where k.held and o.status = 'cancelled') as dead
                   from order_claims k join orders o
                     on o.shop_id = k.shop_id and o.order_id = k.order_id
                  where $1::bigint is null or k.shop_id = $1
                  group by k.shop_id, k.claim_id) o
        on o.shop_id = c.shop_id and o.claim_id = c.claim_id
     where ($1::bigint is null or c.shop_id = $1)
       and (c.taken <> coalesce(o.held, 0) or coalesce(o.dead, 0) > 0)"""

# What is off an order is off its lines, and every part of it has its reason.
_DISCOUNTS_ADD_UP = """
    select o.shop_id, o.order_id as subject, o.discount_minor || ' off, of its lines '
           || coalesce(i.minor, 0) || ', by its reasons ' || coalesce(d.minor, 0) as says
      from orders o
      left join (select shop_id, order_id, sum(discount_minor) as minor from order_items
                  where $1::bigint is null or shop_id = $1 group by 1, 2) i
        on i.shop_id = o.shop_id and i.order_id = o.order_id
      left join (select shop_id, order_id, sum(amount_minor) as minor from order_discounts
                  where $1::bigint is null or shop_id = $1 group by 1, 2) d
        on d.shop_id = o.shop_id and d.order_id = o.order_id
     where ($1::bigint is null or o.shop_id = $1)
       and (o.discount_minor <> coalesce(i.minor, 0) or o.discount_minor <> coalesce(d.minor, 0))"""

# Who paid less by a coupon, a birthday or credit holds it until money of his goes back.
_PAID_HOLDS_ITS_CLAIMS = """
    select o.shop_id, o.order_id as subject, o.status || ', and its ' || c.kind || ' '
           || k.claim_id || ' is free for others' as says
      from orders o
      join order_claims k on k.shop_id = o.shop_id and k.order_id = o.order_id and not k.held
      join claims c on c.shop_id = k.shop_id and c.claim_id = k.claim_id
       and c.kind in ('coupon', 'coupon_each', 'credit', 'birthday')
     where ($1::bigint is null or o.shop_id = $1) and o.paid_at is not null
       and not exists (select from refunds r where r.shop_id = o.shop_id
                        and r.order_id = o.order_id and r.paid_from = 'escrow')
       and not exists (select from chargebacks b join payments p on p.shop_id = b.shop_id
                          and p.payment_id = b.payment_id and p.order_id = o.order_id
                        where b.shop_id = o.shop_id and b.status = 'lost')
       and not exists (select from order_events e where e.shop_id = o.shop_id
                        and e.order_id = o.order_id and e.kind = 'rest_called_off')"""

# What came of a purchase is on the shelf, each time once, and its line says how much that is.
_RECEIVED_IS_RECEIPTS = """
    select l.shop_id, l.purchase_id as subject, 'line of ' || l.variant_id || ' says '
           || l.received || ', receipts ' || coalesce(r.quantity, 0) || ', on the shelf '
           || coalesce(r.moved, 0) as says
      from purchase_lines l
      left join (select r.shop_id, r.purchase_id, r.variant_id, sum(r.quantity) as quantity,
                        sum(m.quantity) filter (where m.reason = 'received'
                          and m.variant_id = r.variant_id) as moved
                   from receipts r join stock_movements m
                     on m.shop_id = r.shop_id and m.movement_id = r.receipt_id
                  where $1::bigint is null or r.shop_id = $1
                  group by r.shop_id, r.purchase_id, r.variant_id) r
        on r.shop_id = l.shop_id and r.purchase_id = l.purchase_id
       and r.variant_id = l.variant_id
     where ($1::bigint is null or l.shop_id = $1)
       and (l.received <> coalesce(r.quantity, 0) or l.received <> coalesce(r.moved, 0))"""

# A count corrects the stock by its difference when it is booked, and not before.
_STOCKTAKE_IS_ITS_COUNTS = """
    select l.shop_id, l.stocktake_id as subject, t.status || ' count of ' || l.variant_id
           || ' differs by ' || l.counted - l.expected || ', corrected '
           || coalesce(m.quantity, 0) as says
      from stocktake_lines l
      join stocktakes t on t.shop_id = l.shop_id and t.stocktake_id = l.stocktake_id
      left join stock_movements m on m.shop_id = l.shop_id and m.movement_id = l.movement_id
       and m.variant_id = l.variant_id and m.reason = 'stocktake'
     where ($1::bigint is null or l.shop_id = $1)
       and coalesce(m.quantity, 0)
           <> case when t.status = 'booked' then l.counted - l.expected else 0 end"""

# Of what is handed out as codes there are as many pieces as codes that were not given.
_CODES_ARE_STOCK = """
    select v.shop_id, v.variant_id as subject, v.on_hand || ' on hand, '
           || coalesce(c.free, 0) || ' codes left' as says
      from variants v
      join products p on p.shop_id = v.shop_id and p.product_id = v.product_id
       and p.virtual_kind = 'codes'
      left join (select shop_id, variant_id, count(*) as free from virtual_codes
                  where order_id is null and ($1::bigint is null or shop_id = $1)
                  group by shop_id, variant_id) c
        on c.shop_id = v.shop_id and c.variant_id = v.variant_id
     where ($1::bigint is null or v.shop_id = $1) and v.on_hand <> coalesce(c.free, 0)"""

RULES = {
    "codes_are_stock": _CODES_ARE_STOCK,
    "on_hand_is_movements": _ON_HAND_IS_MOVEMENTS,
    "held_is_open_orders": _HELD_IS_OPEN_ORDERS,
    "shipped_once": _SHIPPED_ONCE,
    "taken_is_claimed": _TAKEN_IS_CLAIMED,
    "discounts_add_up": _DISCOUNTS_ADD_UP,
    "paid_holds_its_claims": _PAID_HOLDS_ITS_CLAIMS,
    "returned_was_shipped": _RETURNED_WAS_SHIPPED,
    "received_is_receipts": _RECEIVED_IS_RECEIPTS,
    "stocktake_is_its_counts": _STOCKTAKE_IS_ITS_COUNTS,
}
