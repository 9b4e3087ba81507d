-- An order of which all money went back counts for no group: neither as one bought, nor by its day
-- (docs/decisions/0043-privileges.md). offers_of takes the place of the one of 0174; only `bought` is
-- another. customers/groups.py counts by the same rules.

-- What an asker has: {privileges: [..], coupons: [..]} as pricing/offers.py reads it. `p_asker`:
-- phone (proven on his device), buyer (as typed, for limits of coupons), device, code, cart,
-- channel, at, zone, variants.
create or replace function offers_of(p_shop bigint, p_asker jsonb) returns jsonb language sql stable
  set plan_cache_mode = force_generic_plan
as $$
  with asker as (
    select decode(p_asker ->> 'phone', 'hex') as phone,
           decode(p_asker ->> 'buyer', 'hex') as buyer,
           decode(p_asker ->> 'device', 'hex') as device,
           p_asker ->> 'code' as code, (p_asker ->> 'cart')::uuid as cart,
           p_asker ->> 'channel' as channel, (p_asker ->> 'at')::timestamptz as at,
           ((p_asker ->> 'at')::timestamptz at time zone s.zone)::date as today, s.zone,
           array(select v::uuid from jsonb_array_elements_text(p_asker -> 'variants') as v)
             as variants
      from shops s where s.shop_id = p_shop
  ), own as (  -- what an unpaid order of this very cart holds: placing again replaces it
    select k.claim_id, sum(k.amount) as amount
      from asker a
      join orders o on o.shop_id = p_shop and o.cart_id = a.cart
       and o.phone_index = coalesce(a.buyer, a.phone)
       and o.status in ('placed', 'waiting', 'invited')
      join order_claims k on k.shop_id = o.shop_id and k.order_id = o.order_id and k.held
     group by 1
  ), bought as materialized (
    select count(*) as orders, min(o.placed_at) as first_at, max(o.placed_at) as last_at,
           coalesce(sum(o.total_minor - o.refunded_minor), 0) as spent
      from asker a
      join orders o on o.shop_id = p_shop and o.phone_index = a.phone and o.paid_at is not null
       and o.status <> 'refunded'
  ), mine as (
    select p.* from asker a join privileges p on p.shop_id = p_shop and p.phone_index = a.phone
     where p.ended_at is null
    union all
    select p.* from asker a cross join bought b
      join customers c on c.shop_id = p_shop and c.phone_index = a.phone
      join customer_groups g on g.shop_id = p_shop and g.removed_at is null
      join privileges p on p.shop_id = p_shop and p.group_id = g.group_id
     where p.ended_at is null and b.orders >= greatest(g.least_orders, 1)
       and (g.least_spent is null or b.spent >= g.least_spent)
       and (g.tag is null or g.tag = any (c.tags))
       and (g.seen_after is null or (b.first_at at time zone a.zone)::date >= g.seen_after)
       and (g.seen_before is null or (b.first_at at time zone a.zone)::date < g.seen_before)
       and (g.quiet_days is null or b.last_at < a.at - g.quiet_days * interval '1 day')
  ), held as (
    select p.*, near.days, case p.kind when 'credit' then claim_of(p.privilege_id, a.phone)
             when 'birthday' then claim_of(p.privilege_id, a.phone, near.of_year::text) end as claim
      from mine p cross join asker a
      left join birthdays b
        on b.shop_id = p_shop and b.phone_index = a.phone and p.kind = 'birthday'
      left join lateral nearest_birthday(b.month, b.day, a.today) as near on b.month is not null
     where p.from_at <= a.at and (p.until_at is null or p.until_at > a.at)
       and (p.kind <> 'birthday' or near.days <= p.window_days)
  ), asked as (
    select c.*, c.code = a.code as typed, claim_of(c.coupon_id, a.buyer) as claim
      from asker a join coupons c on c.shop_id = p_shop
       and (c.code = a.code or c.coupon_id in (
             select k.coupon_id from kept_coupons k
              where k.shop_id = p_shop and k.device = a.device))
  )
  select jsonb_build_object(
    'privileges', coalesce((
      select jsonb_agg(jsonb_build_object(
               'id', h.privilege_id, 'kind', h.kind, 'label', h.label, 'bps', h.off_bps,
               'minor', h.sum_minor, 'below_cost', h.below_cost, 'claim', h.claim,
               'until', h.until_at,
               'left', coalesce(c.most - c.taken + coalesce(w.amount, 0), h.sum_minor, 1),
               'prices', (select jsonb_object_agg(i.variant_id, i.price_minor)
                            from privilege_prices i
                           where i.shop_id = p_shop and i.privilege_id = h.privilege_id
                             and i.variant_id = any (a.variants)),
               'goods', (select jsonb_agg(i.product_id) from privilege_goods i
                          where i.shop_id = p_shop and i.privilege_id = h.privilege_id))
             order by h.made_at, h.privilege_id)
        from held h cross join asker a
        left join claims c on c.shop_id = p_shop and c.claim_id = h.claim
        left join own w on w.claim_id = h.claim), '[]'),
    'coupons', coalesce((
      select jsonb_agg(jsonb_build_object(
               'id', k.coupon_id, 'code', k.code, 'kind', k.kind, 'label', k.label,
               'bps', k.off_bps, 'minor', k.off_minor, 'least', k.least_minor,
               'below_cost', k.below_cost, 'most', k.most_uses, 'each', k.each_uses,
               'claim', k.claim, 'typed', coalesce(k.typed, false), 'until', k.until_at,
               'no', case when k.paused then 'paused'
                 when k.from_at > a.at then 'early' when k.until_at <= a.at then 'over'
                 when k.channel <> coalesce(a.channel, '') then 'channel'
                 when c.most - c.taken + coalesce(w.amount, 0) < 1
                   or e.most - e.taken + coalesce(x.amount, 0) < 1 then 'gone' end)
             order by k.made_at, k.coupon_id)
        from asked k cross join asker a
        left join claims c on c.shop_id = p_shop and c.claim_id = k.coupon_id
        left join own w on w.claim_id = k.coupon_id
        left join claims e on e.shop_id = p_shop and e.claim_id = k.claim
        left join own x on x.claim_id = k.claim), '[]'))
$$;
