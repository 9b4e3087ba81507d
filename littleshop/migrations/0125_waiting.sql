-- Orders that wait for a rail (docs/decisions/0031-waiting.md): a shop that no rail has admitted yet
-- takes orders that hold nothing. `waiting` until a rail opens, then `invited`: it can be paid for a
-- while, and holds its pieces (`placed`) only once its buyer goes to pay. Takes the place of the
-- functions of 0100; new there: asked_order.waits, and the answer
--   terms_changed (the page said that the shop cannot be paid yet, and now it can).

alter type asked_order add attribute waits boolean;

alter table orders
  add column waited boolean not null default false;  -- placed when no rail had admitted the shop
alter table orders drop constraint orders_status_known, add constraint orders_status_known
  check (status in ('waiting', 'invited', 'placed', 'to_ship', 'shipped', 'delivered', 'received',
                    'closed', 'cancelled', 'refunded'));
alter table orders drop constraint orders_paid_dated, add constraint orders_paid_dated
  check ((status in ('waiting', 'invited', 'placed', 'cancelled')) = (paid_at is null));
alter table orders add constraint orders_wait_in_turn
  check (waited or status not in ('waiting', 'invited'));
drop index orders_unpaid_of_cart;
create index orders_unpaid_of_cart on orders (shop_id, cart_id)
  where status in ('placed', 'waiting', 'invited');

-- Whether an order would hold too much of what is nearly gone: no row when not, else why.
--
-- Asked only of lines that would leave less than half of a thing free. Unpaid orders of a person
-- (one phone or one device) may hold as many pieces of a thing as they leave free for others, those
-- of an address three times as many; but anybody 10 and 20 pieces, less what the same one let lapse
-- within a day: its pieces, each order's as three at least, times the part of p_hold for which it
-- held them without paying. So the last piece is for whoever wants it, four times a day. What
-- waits or is invited holds nothing.
create or replace function refused_share(
  p_at timestamptz, p_hold interval, p_order asked_order,
  p_variant uuid[], p_quantity integer[], p_left integer[],  -- its scarce lines; left: after it
  p_orders asked_order[], p_items asked_item[], p_accepted integer[],  -- placed by the same call
  p_gone uuid[]                                              -- replaced by the same call
) returns table (code text, variant_id uuid, remaining integer) language plpgsql stable
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
as $$
declare
  most_lines  constant integer := 10;  -- things of which one order takes more than it leaves
  most_orders constant integer := 5;   -- unpaid ones of a person who takes such things
begin
  return query
  with party (who, times, always) as (
    values ('phone', 1, 10), ('device', 1, 10), ('address', 3, 20)
  ), own as (
    select 'phone' as who, w.order_id, w.status, w.placed_at, w.cancelled_at, w.waited
      from orders w
     where w.shop_id = p_order.shop_id and w.phone_index = p_order.phone_index
       and w.placed_at > p_at - interval '1 day' and w.paid_at is null
    union all
    select 'device', w.order_id, w.status, w.placed_at, w.cancelled_at, w.waited from orders w
     where w.shop_id = p_order.shop_id and w.device = p_order.device
       and w.placed_at > p_at - interval '1 day' and w.paid_at is null
    union all
    select 'address', w.order_id, w.status, w.placed_at, w.cancelled_at, w.waited from orders w
     where w.shop_id = p_order.shop_id and w.origin = p_order.origin
       and w.placed_at > p_at - interval '1 day' and w.paid_at is null
  ), held (who, order_id, variant_id, pieces, lapsed) as (
    select o.who, o.order_id, i.variant_id,
           case when o.status = 'placed' then i.quantity else 0 end,
           case when o.status = 'placed' or o.waited then 0 else greatest(i.quantity, 3)
             * (extract(epoch from o.cancelled_at - o.placed_at) / extract(epoch from p_hold)) end
      from own o
      join order_items i on i.shop_id = p_order.shop_id and i.order_id = o.order_id
     where o.order_id <> all (p_gone)
    union all
    select p.who, a.order_id, i.variant_id, i.quantity, 0
      from unnest(p_orders) with ordinality as a
      join unnest(p_items) as i on i.asked = a.ordinality
      join party p on (p.who = 'phone' and a.phone_index = p_order.phone_index)
                   or (p.who = 'device' and a.device = p_order.device)
                   or (p.who = 'address' and a.origin = p_order.origin)
     where a.ordinality = any (p_accepted) and a.shop_id = p_order.shop_id and a.waits is not true
       and a.order_id <> all (p_gone)
  ), line as (
    select l.place, l.variant_id, l.quantity, l.spare, p.who, p.times,
           coalesce(sum(h.pieces), 0) as before,
           greatest(p.always - floor(coalesce(sum(h.lapsed), 0)), 0) as always
      from unnest(p_variant, p_quantity, p_left)
           with ordinality as l(variant_id, quantity, spare, place)
      cross join party p
      left join held h on h.who = p.who and h.variant_id = l.variant_id
     group by l.place, l.variant_id, l.quantity, l.spare, p.who, p.times, p.always
  ), beyond as (  -- lines that take more than they leave
    select count(distinct l.place) as lines from line l
     where l.who <> 'address' and l.before + l.quantity > l.spare
  ), no (rank, code, variant_id, remaining) as (
    select l.place, case when w.allowed > 0 then 'hold_share'
                         when l.who = 'address' then 'hold_address' else 'hold_person' end,
           l.variant_id, w.allowed
      from line l
      cross join lateral (select greatest(0, l.always - l.before,
               floor((l.times * (l.spare + l.quantity) - l.before) / (1 + l.times)))
             ::integer) as w(allowed)
     where l.before + l.quantity > greatest(l.always, l.times * l.spare)
    union all
    select 1000, 'hold_lines', null, most_lines from beyond b where b.lines > most_lines
    union all
    select 1001, 'hold_orders', null, most_orders from beyond b
     where b.lines > 0 and most_orders <= any (
       select count(distinct h.order_id) from held h
        where h.who <> 'address' and h.pieces > 0 group by h.who)
  )
  select n.code, n.variant_id, n.remaining from no n
   order by n.rank, n.remaining, n.code desc limit 1;
end
$$;

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
  v_start     integer[];
  i_order     integer[];  -- items, in the order asked
  i_place     integer[];
  i_quantity  integer[];
  i_unit      bigint[];
  i_variant   uuid[];
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
  no_variant  uuid;
  no_left     integer;
  verdict     text;
begin
  -- 1. lock, in the one order of everybody: replaced orders, variants, the shops' counters
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
           array_agg(old.status = 'placed')
      into r_shop, r_id, r_cart, r_holds
      from (select * from unnest(r_shop, r_id, r_cart) as u(shop_id, order_id, cart)
             order by u.shop_id, u.order_id) as r
      cross join lateral (
        select w.status from orders w
         where w.shop_id = r.shop_id and w.order_id = r.order_id
           and w.status in ('placed', 'waiting', 'invited')
           for no key update) as old;
  end if;

  select array_agg(l.shop_id), array_agg(l.variant_id), array_agg(l.on_hand - l.held),
         array_agg((l.on_hand + 1) / 2), array_agg(l.price_minor),
         array_agg(not l.withdrawn and l.product_id is not null)
    into v_shop, v_id, v_left, v_half, v_price, v_sold
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
         array_agg(i.variant_id order by i.ordinality)
    into i_order, i_place, i_quantity, i_unit, i_variant
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
        when p_orders[i].waits and p_orders[i].shop_id = any (admitted) then 'terms_changed'
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
        end if;
        scarce := false;
        for j in i_from..i_to - 1 loop
          place := i_place[j];
          if place is null or not v_sold[place] then
            verdict := 'variant_gone';
          elsif v_price[place] <> i_unit[j] then
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
        if scarce and verdict = 'placed' and p_orders[i].waits is not true then
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
       shipping_minor, total_minor, commission_bps, note, locale, key, request_hash, cart_id,
       share_code, device, origin, placed_at, status, waited)
    select o.shop_id, o.order_id, a_number[o.ordinality], o.phone_index, o.delivery_sealed, o.way,
           o.currency, o.goods_minor, o.shipping_minor, o.total_minor, s.commission_bps, o.note,
           o.locale, o.key, o.request_hash, o.cart_id, o.share_code, o.device, o.origin, p_at,
           case when o.waits then 'waiting' else 'placed' end, o.waits is true
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
           case when o.waits then p_at + interval '30 days' else p_hold_until end
      from unnest(p_orders) with ordinality as o where o.ordinality = any (accepted);

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
