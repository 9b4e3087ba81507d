-- What the platform takes of a sale: schedules of rates, and what was agreed for each order.

-- reference: a schedule of the platform (of_shop_id 0) or of one shop, from a moment on. Nothing
-- in it changes once it is written; a later one takes its place for the orders placed from then.
create table fee_schedules (
  schedule_id      uuid        not null,
  of_shop_id       bigint      not null,
  name             text        not null,
  currency         text        not null,
  follows_platform boolean     not null,  -- the shop has none of its own from this moment on
  starts_at        timestamptz not null,
  set_at           timestamptz not null,
  set_by           uuid,
  constraint fee_schedules_pkey primary key (schedule_id),
  constraint fee_schedules_have_a_name check (name <> ''),
  constraint fee_schedules_look_ahead check (starts_at >= set_at),
  constraint fee_schedules_platform_leads check (of_shop_id <> 0 or not follows_platform)
);
create index fee_schedules_of_shop on fee_schedules (of_shop_id, currency, starts_at);

-- reference: its rates; gateway '' is every rail without a row of its own
create table fee_rates (
  schedule_id   uuid    not null,
  gateway       text    not null,
  rate_bps      integer not null,
  fixed_minor   bigint  not null,
  lowest_minor  bigint  not null,
  highest_minor bigint,
  constraint fee_rates_pkey primary key (schedule_id, gateway),
  constraint fee_rates_of_schedule foreign key (schedule_id)
    references fee_schedules (schedule_id),
  constraint fee_rates_rate_sane check (rate_bps between 0 and 10000),
  constraint fee_rates_not_negative check (fixed_minor >= 0 and lowest_minor >= 0),
  constraint fee_rates_highest_above_lowest check (highest_minor >= lowest_minor)
);

-- tenant: what was agreed when the order was placed; the rail's own rate once it is paid. An order
-- without a row has its commission_bps and nothing else.
create table order_fees (
  shop_id       bigint  not null,
  order_id      uuid    not null,
  schedule_id   uuid    not null,
  gateway       text    not null,
  rate_bps      integer not null,
  fixed_minor   bigint  not null,
  lowest_minor  bigint  not null,
  highest_minor bigint,
  constraint order_fees_pkey primary key (shop_id, order_id),
  constraint order_fees_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint order_fees_of_rate foreign key (schedule_id, gateway)
    references fee_rates (schedule_id, gateway)
);
revoke update, delete, truncate on fee_schedules, fee_rates from littleshop_app;
revoke delete, truncate on order_fees from littleshop_app;

-- The schedule in force for a shop, and its rate for every rail without one of its own.
create function fees_agreed(p_shop_id bigint, p_currency text, p_at timestamptz)
returns table (schedule_id uuid, rate_bps integer, fixed_minor bigint, lowest_minor bigint,
               highest_minor bigint)
language sql stable as $$
  select r.schedule_id, r.rate_bps, r.fixed_minor, r.lowest_minor, r.highest_minor
    from (select s.schedule_id
            from fee_schedules s
           where s.currency = p_currency and s.starts_at <= p_at
             and s.of_shop_id = case
               when (select not own.follows_platform from fee_schedules own
                      where own.of_shop_id = p_shop_id and own.currency = p_currency
                        and own.starts_at <= p_at
                      order by own.starts_at desc, own.set_at desc limit 1) then p_shop_id
               else 0 end
           order by s.starts_at desc, s.set_at desc limit 1) as one
    join fee_rates r on r.schedule_id = one.schedule_id and r.gateway = ''
$$;

-- What is released of an order, and what of that is ours. Never more than there is, so that giving
-- back the last part gives back the whole fee.
create function fee_of(p_released bigint, p_bps integer, p_fixed bigint, p_lowest bigint,
                       p_highest bigint)
returns bigint language sql immutable as $$
  select least(p_released, greatest(p_lowest, least(p_highest,
           (p_released * p_bps + 5000) / 10000 + p_fixed)))
$$;
