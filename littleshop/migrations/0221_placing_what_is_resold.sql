-- An order of what another shop sells has prices of hers (docs/decisions/0051-reselling.md).
-- place_orders takes the place of the one of 0196; new is only that a re-sale's prices are agreed, as
-- those of an invitation and a team are.

create or replace function place_orders(
  p_at timestamptz, p_hold_until timestamptz, p_orders asked_order[], p_items asked_item[]
) returns table (
  asked integer, code text, order_id uuid, number bigint, variant_id uuid, remaining integer
) language plpgsql
  -- Kept plans, and by keys only: planning anew at each call costs more than placing an order, and
  -- a plan made while a table was small must stay good when it is not.
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
as $$
declare
  n           integer := cardinality(p_orders);
  -- the variants touched, by place in these arrays
  v_shop      bigint[];
  v_id        uuid[];
  v_left      integer[];
  v_half      integer[];  -- of what is on hand: less than this is scarce
  v_price     bigint[];
  v_sold      boolean[];
  v_there     boolean[];  -- sold or not: what an invitation may name
  v_start     integer[];
  i_order     integer[];  -- items, in the order asked
  i_place     integer[];
  i_quantity  integer[];
  i_unit      bigint[];
  i_variant   uuid[];
  i_opens     boolean[];  -- a privilege opens it to who is not to see it on the shelf
  -- the claims touched, by place in these arrays, and what the orders asked want of them
  taking      boolean := false;
  discounted  boolean := false;
  giving      boolean := false;  -- whether what is replaced holds any
  k_shop      bigint[] := '{}';
  k_id        uuid[] := '{}';
  k_left      bigint[] := '{}';
  k_start     bigint[] := '{}';
  t_order     integer[] := '{}';
  t_place     integer[] := '{}';
  t_amount    integer[] := '{}';
  y_cart      integer[] := '{}';  -- what orders of before hold of them
  y_place     integer[] := '{}';
  y_amount    integer[] := '{}';
  h_place     integer[];  -- and what the one that is replaced gives back
  h_amount    integer[];
  -- carts, each called by the first order asked of it (same phone): what they hold unpaid
  o_cart      integer[];
  o_late      uuid[];     -- of each order asked: what another call has placed of its cart meanwhile
  r_shop      bigint[];   -- orders of before
  r_id        uuid[];
  r_cart      integer[];
  r_holds     boolean[];  -- a waiting one gives nothing back
  b_cart      integer[];  -- their items
  b_place     integer[];
  b_quantity  integer[];
  again       boolean;    -- whether any order replaces one
  c_holder    integer[];  -- the order of this call that holds the cart's pieces
  g_id        uuid[] := '{}';  -- what this one replaces, and what that gives back
  g_place     integer[];
  g_quantity  integer[];
  x_shop      bigint[] := '{}';  -- what is replaced, and by which
  x_id        uuid[] := '{}';
  x_by        uuid[] := '{}';
  admitted    bigint[];   -- shops whose buyers can pay, of those asked to wait
  s_open      boolean[];  -- per order asked
  s_version   bigint[];
  known_id    uuid[];
  known_no    bigint[];
  known_hash  bytea[];
  twin        integer[];
  a_code      text[] := array_fill(null::text, array[n]);
  a_variant   uuid[] := array_fill(null::uuid, array[n]);
  a_left      integer[] := array_fill(null::integer, array[n]);
  a_id        uuid[] := array_fill(null::uuid, array[n]);
  a_number    bigint[] := array_fill(null::bigint, array[n]);
  accepted    integer[] := '{}';
  i_from      integer := 1;
  i_to        integer;
  j           integer;
  place       integer;
  first_ever  boolean;
  scarce      boolean;
  agreed      boolean;    -- its prices are not the shelf's
  no_variant  uuid;
  no_left     integer;
  verdict     text;
begin
  -- 1. lock, in the one order of everybody: replaced orders, claims, variants, the shops' counters
  select array_agg(o.shop_id), array_agg(old.order_id), array_agg(o.cart)
    into r_shop, r_id, r_cart
    from (select a.shop_id, a.cart_id, a.phone_index, min(a.ordinality) as cart
            from unnest(p_orders) with ordinality as a
           where a.cart_id is not null group by 1, 2, 3) as o
    cross join lateral (  -- one cart after the other, by its index
      select w.order_id from orders w
       where w.shop_id = o.shop_id and w.cart_id = o.cart_id
         and w.status in ('placed', 'waiting', 'invited') and w.phone_index = o.phone_index
      offset 0) as old;
  if r_id is not null then
    select array_agg(r.shop_id), array_agg(r.order_id), array_agg(r.cart),
           array_agg(old.status = 'placed'),
           bool_or(exists (select from order_claims k
                            where k.shop_id = r.shop_id and k.order_id = r.order_id and k.held))
      into r_shop, r_id, r_cart, r_holds, giving
      from (select * from unnest(r_shop, r_id, r_cart) as u(shop_id, order_id, cart)
             order by u.shop_id, u.order_id) as r
      cross join lateral (
        select w.status from orders w
         where w.shop_id = r.shop_id and w.order_id = r.order_id
           and w.status in ('placed', 'waiting', 'invited')
           for no key update) as old;
  end if;

  for i in 1..n loop
    taking := taking or p_orders[i].takes is not null;
    discounted := discounted or p_orders[i].discounts is not null;
  end loop;
  if taking then
    insert into claims (shop_id, claim_id, kind, most)  -- a customer's first of it
    select distinct on (o.shop_id, t.claim) o.shop_id, t.claim, t.kind, t.most
      from unnest(p_orders) as o
     cross join lateral jsonb_to_recordset(o.takes) as t(claim uuid, kind text, most integer)
     order by o.shop_id, t.claim
    on conflict on constraint claims_pkey do nothing;
  end if;
  if taking or giving then
    select array_agg(l.shop_id), array_agg(l.claim_id), array_agg(l.unused)
      into k_shop, k_id, k_left
      from (select c.shop_id, c.claim_id,
                   case when c.shut then 0 else c.most - c.taken end::bigint as unused
              from claims c
             where (c.shop_id, c.claim_id) in (
                     select o.shop_id, t.claim from unnest(p_orders) as o
                      cross join lateral jsonb_to_recordset(o.takes) as t(claim uuid)
                      where o.takes is not null
                     union
                     select k.shop_id, k.claim_id
                       from unnest(r_shop, r_id) as r(shop_id, order_id)
                       join order_claims k on k.shop_id = r.shop_id and k.order_id = r.order_id
                      where k.held)
             order by c.shop_id, c.claim_id
               for no key update of c) as l;
    k_start := k_left;
    select array_agg(o.ordinality), array_agg(l.place), array_agg(t.amount)
      into t_order, t_place, t_amount
      from unnest(p_orders) with ordinality as o
     cross join lateral jsonb_to_recordset(o.takes) as t(claim uuid, amount integer)
      join unnest(k_shop, k_id) with ordinality as l(shop_id, claim_id, place)
        on l.shop_id = o.shop_id and l.claim_id = t.claim
     where o.takes is not null;
    select array_agg(r.cart), array_agg(l.place), array_agg(k.amount)
      into y_cart, y_place, y_amount
      from unnest(r_shop, r_id, r_cart) as r(shop_id, order_id, cart)
      join order_claims k on k.shop_id = r.shop_id and k.order_id = r.order_id
      join unnest(k_shop, k_id) with ordinality as l(shop_id, claim_id, place)
        on l.shop_id = k.shop_id and l.claim_id = k.claim_id
     where k.held;
  end if;

  select array_agg(l.shop_id), array_agg(l.variant_id), array_agg(l.on_hand - l.held),
         array_agg((l.on_hand + 1) / 2), array_agg(l.price_minor),
         array_agg(not l.withdrawn and l.product_id is not null), array_agg(not l.withdrawn)
    into v_shop, v_id, v_left, v_half, v_price, v_sold, v_there
    from (select v.shop_id, v.variant_id, v.on_hand, v.held, v.price_minor, v.withdrawn,
                 (select p.product_id from products p
                   where p.shop_id = v.shop_id and p.product_id = v.product_id
                     and p.status = 'on_sale') as product_id
            from variants v
           where (v.shop_id, v.variant_id) in (
                   select o.shop_id, i.variant_id
                     from unnest(p_items) i
                     join unnest(p_orders) with ordinality as o on o.ordinality = i.asked
                   union
                   select i.shop_id, i.variant_id
                     from unnest(r_shop, r_id) as r(shop_id, order_id)
                     join order_items i on i.shop_id = r.shop_id and i.order_id = r.order_id)
           order by v.shop_id, v.variant_id
             for no key update of v) as l;
  v_start := v_left;

  with asking as materialized (
    select distinct o.shop_id from unnest(p_orders) as o
  ), counter as materialized (
    select c.shop_id from order_counters c
     where c.shop_id in (select a.shop_id from asking a)
     order by c.shop_id for update
  )
  select (select count(*) from counter) < (select count(*) from asking) into first_ever;
  if first_ever then
    insert into order_counters (shop_id)  -- a shop's first order
    select s.shop_id from shops s
     where s.shop_id in (select o.shop_id from unnest(p_orders) o)
     order by s.shop_id
    on conflict on constraint order_counters_pkey do nothing;
    perform from order_counters c
     where c.shop_id in (select o.shop_id from unnest(p_orders) o)
     order by c.shop_id for update;
  end if;

  -- 2. the facts each order is decided on
  select array_agg(i.asked order by i.ordinality), array_agg(l.place order by i.ordinality),
         array_agg(i.quantity order by i.ordinality), array_agg(i.unit_minor order by i.ordinality),
         array_agg(i.variant_id order by i.ordinality),
         array_agg(i.opens is true order by i.ordinality)
    into i_order, i_place, i_quantity, i_unit, i_variant, i_opens
    from unnest(p_items) with ordinality as i
    join unnest(p_orders) with ordinality as o on o.ordinality = i.asked
    left join unnest(v_shop, v_id) with ordinality as l(shop_id, variant_id, place)
      on l.shop_id = o.shop_id and l.variant_id = i.variant_id;

  if r_id is not null then
    select array_agg(r.cart), array_agg(l.place), array_agg(i.quantity)
      into b_cart, b_place, b_quantity
      from unnest(r_shop, r_id, r_cart, r_holds) as r(shop_id, order_id, cart, holds)
      join order_items i on i.shop_id = r.shop_id and i.order_id = r.order_id
      join unnest(v_shop, v_id) with ordinality as l(shop_id, variant_id, place)
        on l.shop_id = i.shop_id and l.variant_id = i.variant_id
     where r.holds;
  end if;

  if exists (select from unnest(p_orders) as o where o.waits) then
    -- whoever admits a shop holds its counter until that is committed: we see it, or he sees us
    select array_agg(distinct a.shop_id) into admitted from admissions a
     where a.status = 'admitted'
       and a.shop_id in (select o.shop_id from unnest(p_orders) as o where o.waits);
  end if;

  select array_agg(s.status = 'open' order by o.ordinality),
         array_agg(s.pricing_version order by o.ordinality),
         array_agg(k.order_id order by o.ordinality), array_agg(k.number order by o.ordinality),
         array_agg(k.request_hash order by o.ordinality),
         array_agg(o.first order by o.ordinality),
         r_id is not null or count(distinct o.cart_id) < count(o.cart_id),
         array_agg((  -- an unpaid order of its cart that was not there when we locked
           select w.order_id from orders w
            where w.shop_id = o.shop_id and w.cart_id = o.cart_id
              and w.status in ('placed', 'waiting', 'invited')
              and w.phone_index = o.phone_index and (r_id is null or w.order_id <> all (r_id))
            limit 1) order by o.ordinality)
    into s_open, s_version, known_id, known_no, known_hash, twin, again, o_late
    from (select a.shop_id, a.key, a.cart_id, a.phone_index, a.ordinality,
                 min(a.ordinality) over (partition by a.shop_id, a.key) as first
            from unnest(p_orders) with ordinality as a) as o
    left join shops s on s.shop_id = o.shop_id
    left join orders k on k.shop_id = o.shop_id and k.key = o.key;

  if again then
    c_holder := array_fill(null::integer, array[n]);
    select array_agg(o.cart order by o.ordinality) into o_cart
      from (select a.ordinality,
                   case when a.cart_id is null then a.ordinality else min(a.ordinality)
                     over (partition by a.shop_id, a.cart_id, a.phone_index) end as cart
              from unnest(p_orders) with ordinality as a) as o;
  end if;

  -- 3. decide, one after the other
  for i in 1..n loop
    i_to := i_from;
    while i_order[i_to] = i loop i_to := i_to + 1; end loop;

    if known_id[i] is not null then
      if known_hash[i] = p_orders[i].request_hash then
        a_code[i] := 'placed'; a_id[i] := known_id[i]; a_number[i] := known_no[i];
      else
        a_code[i] := 'conflict';
      end if;
    elsif twin[i] < i then
      if p_orders[twin[i]].request_hash = p_orders[i].request_hash then
        a_code[i] := 'twin';
      else
        a_code[i] := 'conflict';
      end if;
    else
      verdict := case
        when o_late[i] is not null then 'again'
        when s_open[i] is not true then 'shop_closed'
        when p_orders[i].waits and p_orders[i].shop_id = any (admitted)
             and coalesce(p_orders[i].kind, 'checkout') = 'checkout' then 'terms_changed'
        when s_version[i] <> p_orders[i].pricing_version or i_to = i_from then 'price_changed'
        else 'placed' end;
      if verdict = 'placed' then
        if again then  -- what the buyer's own cart holds is his to have
          j := c_holder[o_cart[i]];
          if j is not null then
            g_id := array[a_id[j]];
            select array_agg(i_place[u.k]), array_agg(i_quantity[u.k]) into g_place, g_quantity
              from generate_subscripts(i_order, 1) as u(k)
             where i_order[u.k] = j and p_orders[j].waits is not true;
          else
            g_id := array(select u.id from unnest(r_id, r_cart) as u(id, cart)
                           where u.cart = o_cart[i]);
            select array_agg(u.place), array_agg(u.quantity) into g_place, g_quantity
              from unnest(b_cart, b_place, b_quantity) as u(cart, place, quantity)
             where u.cart = o_cart[i];
          end if;
          for j in 1..coalesce(cardinality(g_place), 0) loop
            v_left[g_place[j]] := v_left[g_place[j]] + g_quantity[j];
          end loop;
          h_place := null;
          if taking or giving then
            if c_holder[o_cart[i]] is not null then
              select array_agg(t_place[u.k]), array_agg(t_amount[u.k]) into h_place, h_amount
                from generate_subscripts(t_order, 1) as u(k)
               where t_order[u.k] = c_holder[o_cart[i]]
                 and p_orders[c_holder[o_cart[i]]].waits is not true;
            else
              select array_agg(u.place), array_agg(u.amount) into h_place, h_amount
                from unnest(y_cart, y_place, y_amount) as u(cart, place, amount)
               where u.cart = o_cart[i];
            end if;
            for j in 1..coalesce(cardinality(h_place), 0) loop
              k_left[h_place[j]] := k_left[h_place[j]] + h_amount[j];
            end loop;
          end if;
        end if;
        scarce := false;
        agreed := coalesce(p_orders[i].kind in ('invitation', 'team', 'resale'), false);
        for j in i_from..i_to - 1 loop
          place := i_place[j];
          if place is null or not (v_sold[place] or ((i_opens[j] or
               coalesce(p_orders[i].kind = 'invitation', false)) and v_there[place])) then
            verdict := 'variant_gone';
          elsif v_price[place] <> i_unit[j] and not agreed then
            verdict := 'price_changed';
          elsif v_left[place] < i_quantity[j] then
            verdict := 'stock_short';
            a_left[i] := v_left[place];
          elsif v_left[place] - i_quantity[j] < v_half[place] then
            scarce := true;
          end if;
          if verdict <> 'placed' then
            a_variant[i] := i_variant[j];
            exit;
          end if;
        end loop;
        if verdict = 'placed' and p_orders[i].takes is not null then
          if exists (select from generate_subscripts(t_order, 1) as u(k)
                      where t_order[u.k] = i and k_left[t_place[u.k]] < t_amount[u.k]) then
            verdict := 'claim_gone';
          end if;
        end if;
        if scarce and verdict = 'placed' and p_orders[i].waits is not true
           and coalesce(p_orders[i].kind, 'checkout') <> 'invitation' then  -- the seller named it
          select coalesce(r.code, 'placed'), r.variant_id, r.remaining
            into verdict, no_variant, no_left
            from (select array_agg(i_variant[u.j]) as variants,
                         array_agg(i_quantity[u.j]) as quantities,
                         array_agg(v_left[i_place[u.j]] - i_quantity[u.j]) as lefts
                    from generate_series(i_from, i_to - 1) as u(j)
                   where v_left[i_place[u.j]] - i_quantity[u.j] < v_half[i_place[u.j]]) as l
            left join lateral refused_share(
              p_at, p_hold_until - p_at, p_orders[i], l.variants, l.quantities, l.lefts,
              p_orders, p_items, accepted, x_id || g_id) as r on true;
          a_variant[i] := no_variant;
          a_left[i] := no_left;
        end if;
        if verdict = 'placed' then
          for j in i_from..i_to - 1 loop
            exit when p_orders[i].waits;  -- it holds nothing until it is paid for
            v_left[i_place[j]] := v_left[i_place[j]] - i_quantity[j];
          end loop;
          if p_orders[i].takes is not null and p_orders[i].waits is not true then
            for j in 1..cardinality(t_order) loop
              if t_order[j] = i then
                k_left[t_place[j]] := k_left[t_place[j]] - t_amount[j];
              end if;
            end loop;
          end if;
          accepted := accepted || i;
          a_id[i] := p_orders[i].order_id;
          if again then
            c_holder[o_cart[i]] := i;
            x_id := x_id || g_id;
            x_shop := x_shop || array_fill(p_orders[i].shop_id, array[cardinality(g_id)]);
            x_by := x_by || array_fill(a_id[i], array[cardinality(g_id)]);
          end if;
        elsif again then
          for j in 1..coalesce(cardinality(g_place), 0) loop
            v_left[g_place[j]] := v_left[g_place[j]] - g_quantity[j];
          end loop;
          for j in 1..coalesce(cardinality(h_place), 0) loop
            k_left[h_place[j]] := k_left[h_place[j]] - h_amount[j];
          end loop;
        end if;
      end if;
      a_code[i] := verdict;
    end if;
    i_from := i_to;
  end loop;

  -- 4. write what was accepted
  if cardinality(accepted) > 0 then
    update variants v set held = v.held + l.taken
      from (select u.shop_id, u.variant_id, u.before - u.after as taken
              from unnest(v_shop, v_id, v_start, v_left) as u(shop_id, variant_id, before, after)
             where u.before <> u.after) as l
     where v.shop_id = l.shop_id and v.variant_id = l.variant_id;

    -- selling the last piece, or giving it back, is a change that a visitor can see
    if 0 = any (v_left) or 0 = any (v_start) then
      update shops s set version = s.version + 1
       where s.shop_id in (
         select u.shop_id from unnest(v_shop, v_start, v_left) as u(shop_id, before, after)
          where (u.before = 0) <> (u.after = 0));
    end if;

    select array_agg(coalesce(g.number, a_number[u.i]) order by u.i) into a_number
      from generate_series(1, n) as u(i)
      left join (select x.i, c.last_number
                        + row_number() over (partition by c.shop_id order by x.i) as number
                   from unnest(accepted) as x(i)
                   join order_counters c on c.shop_id = p_orders[x.i].shop_id) as g on g.i = u.i;

    update order_counters c set last_number = c.last_number + m.more
      from (select p_orders[x.i].shop_id as shop_id, count(*) as more
              from unnest(accepted) as x(i) group by 1) as m
     where c.shop_id = m.shop_id;

    insert into customers
      (shop_id, phone_index, phone_sealed, delivery_sealed, locale, first_seen_at)
    select o.shop_id, o.phone_index, o.phone_sealed, o.delivery_sealed, o.locale, p_at
      from unnest(p_orders) with ordinality as o
     where o.ordinality = any (accepted)
     order by o.shop_id, o.phone_index
    on conflict on constraint customers_pkey do nothing;

    insert into orders
      (shop_id, order_id, number, phone_index, delivery_sealed, way, currency, goods_minor,
       shipping_minor, discount_minor, total_minor, commission_bps, note, locale, key, request_hash, cart_id,
       share_code, device, origin, placed_at, status, waited, kind)
    select o.shop_id, o.order_id, a_number[o.ordinality], o.phone_index, o.delivery_sealed, o.way,
           o.currency, o.goods_minor, o.shipping_minor, coalesce(o.discount_minor, 0), o.total_minor,
           s.commission_bps, o.note, o.locale, o.key, o.request_hash, o.cart_id, o.share_code, o.device, o.origin, p_at,
           case when o.waits is not true then 'placed'
                when coalesce(o.kind, 'checkout') = 'checkout' then 'waiting'
                else 'invited' end,
           o.waits is true, coalesce(o.kind, 'checkout')
      from unnest(p_orders) with ordinality as o
      join shops s on s.shop_id = o.shop_id
     where o.ordinality = any (accepted);

    insert into order_items
      (shop_id, order_id, position, product_id, variant_id, title, choice, photo, unit_minor,
       quantity, discount_minor)
    select o.shop_id, o.order_id,
           row_number() over (partition by i.asked order by i.ordinality), i.product_id,
           i.variant_id, i.title, i.choice, i.photo, i.unit_minor, i.quantity,
           coalesce(i.discount_minor, 0)
      from unnest(p_items) with ordinality as i
      join unnest(p_orders) with ordinality as o on o.ordinality = i.asked
     where i.asked = any (accepted);

    insert into order_fees
      (shop_id, order_id, schedule_id, gateway, rate_bps, fixed_minor, lowest_minor,
       highest_minor)
    select o.shop_id, o.order_id, f.schedule_id, '', f.rate_bps, f.fixed_minor, f.lowest_minor,
           f.highest_minor
      from unnest(p_orders) with ordinality as o
     cross join lateral fees_agreed(o.shop_id, o.currency, p_at) as f
     where o.ordinality = any (accepted);

    insert into order_links (shop_id, token_hash, order_id, role)
    select o.shop_id, o.token_hash, o.order_id, 'chooser'
      from unnest(p_orders) with ordinality as o where o.ordinality = any (accepted);

    insert into order_devices (shop_id, order_id, role, device)
    select o.shop_id, o.order_id, 'chooser', o.device
      from unnest(p_orders) with ordinality as o where o.ordinality = any (accepted);

    insert into timers (shop_id, subject, kind, due_at)
    select o.shop_id, o.order_id, 'pay_by',
           case when o.waits and coalesce(o.kind, 'checkout') = 'checkout'
                then p_at + interval '30 days' else p_hold_until end
      from unnest(p_orders) with ordinality as o where o.ordinality = any (accepted);

    if discounted then
      insert into order_discounts
        (shop_id, order_id, position, kind, reason, label, source_id, amount_minor, floored)
      select o.shop_id, o.order_id, d.position, d.kind, d.reason, d.label, d.source, d.minor,
             d.floored
        from unnest(p_orders) with ordinality as o
       cross join lateral jsonb_to_recordset(o.discounts) as d(
               position smallint, kind text, reason text, label text, source uuid, minor bigint,
               floored boolean)
       where o.ordinality = any (accepted) and o.discounts is not null;
    end if;
    if taking then
      insert into order_claims (shop_id, order_id, claim_id, amount, held)
      select p_orders[u.of].shop_id, p_orders[u.of].order_id, k_id[u.place], u.amount,
             p_orders[u.of].waits is not true
        from unnest(t_order, t_place, t_amount) as u(of, place, amount)
       where u.of = any (accepted);
    end if;
    if taking or giving then
      update claims c set taken = c.taken + (l.before - l.after)::integer
        from unnest(k_shop, k_id, k_start, k_left) as l(shop_id, claim_id, before, after)
       where c.shop_id = l.shop_id and c.claim_id = l.claim_id and l.before <> l.after;

      update order_claims k set held = false
        from unnest(x_shop, x_id) as x(shop_id, order_id)
       where k.shop_id = x.shop_id and k.order_id = x.order_id and k.held;
    end if;

    if x_id <> '{}' then
      update orders old
         set status = 'cancelled', cancelled_at = p_at, cancel_reason = 'replaced',
             replaced_by = x.by_id
        from unnest(x_shop, x_id, x_by) as x(shop_id, order_id, by_id)
       where old.shop_id = x.shop_id and old.order_id = x.order_id;

      delete from timers t
       using unnest(x_shop, x_id) as x(shop_id, order_id)
       where t.shop_id = x.shop_id and t.subject = x.order_id
         and t.kind in ('pay_by', 'hold_by');
    end if;

    delete from carts c
     using unnest(p_orders) with ordinality as o
     where o.ordinality = any (accepted) and c.shop_id = o.shop_id and c.cart_id = o.cart_id
       and c.device = o.device;
  end if;

  return query
    select i::integer,
           case when a_code[i] = 'twin' then a_code[twin[i]] else a_code[i] end,
           case when a_code[i] = 'twin' then a_id[twin[i]] else a_id[i] end,
           case when a_code[i] = 'twin' then a_number[twin[i]] else a_number[i] end,
           case when a_code[i] = 'twin' then a_variant[twin[i]] else a_variant[i] end,
           case when a_code[i] = 'twin' then a_left[twin[i]] else a_left[i] end
      from generate_series(1, n) as i
     order by i;
end
$$;
