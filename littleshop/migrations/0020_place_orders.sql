-- Placing: a batch of orders of any shops in one call (docs/decisions/0004-placing.md).
--
-- Each order is decided by itself, in arrival order, against running stock; a refused order never
-- fails or slows another. Answers, one row per order in the order asked:
--   placed (number), conflict (same key, other content), shop_closed, price_changed,
--   variant_gone (variant), stock_short (variant, remaining).
-- Rows are locked sorted: variants, then the shops' number counters, then replaced orders.
-- Plain statements only: no INSERT in WITH, no NOTIFY.

create type asked_order as (
  shop_id         bigint,
  order_id        uuid,
  key             bytea,
  request_hash    bytea,
  phone_index     bytea,
  phone_sealed    bytea,
  delivery_sealed bytea,
  way             text,
  currency        text,
  locale          text,
  pricing_version bigint,
  goods_minor     bigint,
  shipping_minor  bigint,
  total_minor     bigint,
  note            text,
  cart_id         uuid,      -- an unpaid order of the same cart and phone is replaced
  share_code      text,
  token_hash      bytea,
  device          bytea
);

create type asked_item as (
  asked      integer,   -- which order of the call, from 1
  product_id uuid,
  variant_id uuid,
  title      text,
  choice     text,
  photo      text,
  unit_minor bigint,
  quantity   integer
);

create function place_orders(
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
  o_replaces  uuid[];     -- per order asked: the buyer's own unpaid order of the same cart
  -- the variants touched, by place in these arrays
  v_shop      bigint[];
  v_id        uuid[];
  v_left      integer[];
  v_price     bigint[];
  v_sold      boolean[];
  v_start     integer[];
  i_order     integer[];  -- items, in the order asked
  i_place     integer[];
  i_quantity  integer[];
  i_unit      bigint[];
  i_variant   uuid[];
  replaces    boolean;    -- whether any does
  r_order     integer[];  -- what a replaced order gives back
  r_place     integer[];
  r_quantity  integer[];
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
  r_from      integer := 1;
  r_to        integer;
  j           integer;
  place       integer;
  verdict     text;
begin
  select array_agg(old.order_id order by o.ordinality) into o_replaces
    from unnest(p_orders) with ordinality as o
    left join lateral (
      select w.order_id from orders w
       where w.shop_id = o.shop_id and w.cart_id = o.cart_id and w.status = 'placed'
         and w.phone_index = o.phone_index and w.key <> o.key
       order by w.placed_at desc limit 1) as old on true;

  -- 1. lock what the batch may take or give back, in one order for everybody
  select array_agg(l.shop_id), array_agg(l.variant_id), array_agg(l.on_hand - l.held),
         array_agg(l.price_minor), array_agg(not l.withdrawn and l.product_id is not null)
    into v_shop, v_id, v_left, v_price, v_sold
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
                   select i.shop_id, i.variant_id from order_items i
                    where (i.shop_id, i.order_id) in (
                            select o.shop_id, o_replaces[o.ordinality]
                              from unnest(p_orders) with ordinality as o))
           order by v.shop_id, v.variant_id
             for no key update of v) as l;
  v_start := v_left;

  perform from order_counters c
   where c.shop_id in (select o.shop_id from unnest(p_orders) o)
   order by c.shop_id for update;
  get diagnostics place = row_count;
  if place < (select count(distinct o.shop_id) from unnest(p_orders) o) then
    insert into order_counters (shop_id)  -- a shop's first order
    select s.shop_id from shops s
     where s.shop_id in (select o.shop_id from unnest(p_orders) o)
     order by s.shop_id
    on conflict on constraint order_counters_pkey do nothing;
    perform from order_counters c
     where c.shop_id in (select o.shop_id from unnest(p_orders) o)
     order by c.shop_id for update;
  end if;

  replaces := array_remove(o_replaces, null) <> '{}';
  if replaces then
    perform from orders old
     where (old.shop_id, old.order_id) in (
             select o.shop_id, o_replaces[o.ordinality] from unnest(p_orders) with ordinality as o)
     order by old.shop_id, old.order_id for no key update;
  end if;

  -- 2. the facts each order is decided on
  select array_agg(i.asked order by i.ordinality), array_agg(l.place order by i.ordinality),
         array_agg(i.quantity order by i.ordinality), array_agg(i.unit_minor order by i.ordinality),
         array_agg(i.variant_id order by i.ordinality)
    into i_order, i_place, i_quantity, i_unit, i_variant
    from unnest(p_items) with ordinality as i
    join unnest(p_orders) with ordinality as o on o.ordinality = i.asked
    left join unnest(v_shop, v_id) with ordinality as l(shop_id, variant_id, place)
      on l.shop_id = o.shop_id and l.variant_id = i.variant_id;

  if replaces then
    select array_agg(o.ordinality order by o.ordinality),
           array_agg(l.place order by o.ordinality), array_agg(i.quantity order by o.ordinality)
      into r_order, r_place, r_quantity
      from (select a.shop_id, o_replaces[a.ordinality] as replaces, min(a.ordinality) as ordinality
              from unnest(p_orders) with ordinality as a
             where o_replaces[a.ordinality] is not null
             group by a.shop_id, o_replaces[a.ordinality]) as o
      cross join lateral (  -- one order after the other, by its key
        select i.variant_id, i.quantity from order_items i
         where i.shop_id = o.shop_id and i.order_id = o.replaces
           and exists (select from orders old where old.shop_id = i.shop_id
                          and old.order_id = i.order_id and old.status = 'placed')
        offset 0) as i
      join unnest(v_shop, v_id) with ordinality as l(shop_id, variant_id, place)
        on l.shop_id = o.shop_id and l.variant_id = i.variant_id;
  end if;

  select array_agg(s.status = 'open' order by o.ordinality),
         array_agg(s.pricing_version order by o.ordinality),
         array_agg(k.order_id order by o.ordinality), array_agg(k.number order by o.ordinality),
         array_agg(k.request_hash order by o.ordinality),
         array_agg(o.first order by o.ordinality)
    into s_open, s_version, known_id, known_no, known_hash, twin
    from (select a.shop_id, a.key, a.ordinality,
                 min(a.ordinality) over (partition by a.shop_id, a.key) as first
            from unnest(p_orders) with ordinality as a) as o
    left join shops s on s.shop_id = o.shop_id
    left join orders k on k.shop_id = o.shop_id and k.key = o.key;

  -- 3. decide, one after the other
  for i in 1..n loop
    i_to := i_from;
    while i_order[i_to] = i loop i_to := i_to + 1; end loop;
    r_to := r_from;
    while r_order[r_to] = i loop r_to := r_to + 1; end loop;

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
        when s_open[i] is not true then 'shop_closed'
        when s_version[i] <> p_orders[i].pricing_version or i_to = i_from then 'price_changed'
        else 'placed' end;
      if verdict = 'placed' then
        for j in r_from..r_to - 1 loop
          v_left[r_place[j]] := v_left[r_place[j]] + r_quantity[j];
        end loop;
        for j in i_from..i_to - 1 loop
          place := i_place[j];
          if place is null or not v_sold[place] then
            verdict := 'variant_gone';
          elsif v_price[place] <> i_unit[j] then
            verdict := 'price_changed';
          elsif v_left[place] < i_quantity[j] then
            verdict := 'stock_short';
            a_left[i] := v_left[place];
          end if;
          if verdict <> 'placed' then
            a_variant[i] := i_variant[j];
            exit;
          end if;
        end loop;
        if verdict = 'placed' then
          for j in i_from..i_to - 1 loop
            v_left[i_place[j]] := v_left[i_place[j]] - i_quantity[j];
          end loop;
          accepted := accepted || i;
          a_id[i] := p_orders[i].order_id;
        else
          for j in r_from..r_to - 1 loop
            v_left[r_place[j]] := v_left[r_place[j]] - r_quantity[j];
          end loop;
        end if;
      end if;
      a_code[i] := verdict;
    end if;
    i_from := i_to;
    r_from := r_to;
  end loop;

  -- 4. write what was accepted
  if cardinality(accepted) > 0 then
    update variants v set held = v.held + l.taken
      from (select u.shop_id, u.variant_id, u.before - u.after as taken
              from unnest(v_shop, v_id, v_start, v_left) as u(shop_id, variant_id, before, after)
             where u.before <> u.after) as l
     where v.shop_id = l.shop_id and v.variant_id = l.variant_id;

    -- selling the last piece, or giving it back, is a change that a visitor can see
    update shops s set version = s.version + 1
     where s.shop_id in (
       select u.shop_id from unnest(v_shop, v_start, v_left) as u(shop_id, before, after)
        where (u.before = 0) <> (u.after = 0));

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

    insert into customers (shop_id, phone_index, phone_sealed, delivery_sealed, locale, first_seen_at)
    select o.shop_id, o.phone_index, o.phone_sealed, o.delivery_sealed, o.locale, p_at
      from unnest(p_orders) with ordinality as o
     where o.ordinality = any (accepted)
     order by o.shop_id, o.phone_index
    on conflict on constraint customers_pkey do nothing;

    insert into orders
      (shop_id, order_id, number, phone_index, delivery_sealed, way, currency, goods_minor,
       shipping_minor, total_minor, commission_bps, note, locale, key, request_hash, cart_id,
       share_code, placed_at)
    select o.shop_id, o.order_id, a_number[o.ordinality], o.phone_index, o.delivery_sealed, o.way,
           o.currency, o.goods_minor, o.shipping_minor, o.total_minor, s.commission_bps, o.note,
           o.locale, o.key, o.request_hash, o.cart_id, o.share_code, p_at
      from unnest(p_orders) with ordinality as o
      join shops s on s.shop_id = o.shop_id
     where o.ordinality = any (accepted);

    insert into order_items
      (shop_id, order_id, position, product_id, variant_id, title, choice, photo, unit_minor,
       quantity)
    select o.shop_id, o.order_id,
           row_number() over (partition by i.asked order by i.ordinality), i.product_id,
           i.variant_id, i.title, i.choice, i.photo, i.unit_minor, i.quantity
      from unnest(p_items) with ordinality as i
      join unnest(p_orders) with ordinality as o on o.ordinality = i.asked
     where i.asked = any (accepted);

    insert into order_links (shop_id, token_hash, order_id, role)
    select o.shop_id, o.token_hash, o.order_id, 'chooser'
      from unnest(p_orders) with ordinality as o where o.ordinality = any (accepted);

    insert into order_devices (shop_id, order_id, role, device)
    select o.shop_id, o.order_id, 'chooser', o.device
      from unnest(p_orders) with ordinality as o where o.ordinality = any (accepted);

    insert into timers (shop_id, subject, kind, due_at)
    select o.shop_id, o.order_id, 'pay_by', p_hold_until
      from unnest(p_orders) with ordinality as o where o.ordinality = any (accepted);

    if replaces then
      update orders old
         set status = 'cancelled', cancelled_at = p_at, cancel_reason = 'replaced',
             replaced_by = o.order_id
        from unnest(p_orders) with ordinality as o
       where o.ordinality = any (accepted) and o.ordinality = any (r_order)
         and old.shop_id = o.shop_id and old.order_id = o_replaces[o.ordinality];

      delete from timers t
       using unnest(p_orders) with ordinality as o
       where o.ordinality = any (accepted) and o.ordinality = any (r_order)
         and t.shop_id = o.shop_id and t.subject = o_replaces[o.ordinality] and t.kind = 'pay_by';
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
