-- Referral commission (docs/decisions/0055-referral-commission.md): who shares a shop's things and has
-- a shop of his own earns a part of what his friends buy; two levels at most, 30 percent at most.

-- tenant: what sharers earn here, in basis points of the goods' price: who shared it, and by whose
-- share he had come. A row holds for orders placed from its moment until the next one's.
create table referral_terms (
  shop_id    bigint      not null,
  starts_at  timestamptz not null,
  first_bps  integer     not null,
  second_bps integer     not null,
  set_by     uuid        not null,
  constraint referral_terms_pkey primary key (shop_id, starts_at),
  constraint referral_terms_of_shop foreign key (shop_id) references shops (shop_id),
  -- never more for bringing sharers than for selling; both together what the rails' own limit is
  constraint referral_terms_capped check (
    second_bps >= 0 and second_bps <= first_bps and first_bps + second_bps <= 3000)
);
revoke update, delete, truncate on referral_terms from littleshop_app;

-- tenant: a product with rates of its own; both null: as the shop again
create table referral_exceptions (
  shop_id    bigint      not null,
  product_id uuid        not null,
  starts_at  timestamptz not null,
  first_bps  integer,
  second_bps integer,
  set_by     uuid        not null,
  constraint referral_exceptions_pkey primary key (shop_id, product_id, starts_at),
  constraint referral_exceptions_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint referral_exceptions_whole check ((first_bps is null) = (second_bps is null)),
  constraint referral_exceptions_capped check (
    second_bps >= 0 and second_bps <= first_bps and first_bps + second_bps <= 3000)
);
revoke update, delete, truncate on referral_exceptions from littleshop_app;

-- tenant: whose shop a device's shares earn for, because its person said so while signed in; no shop:
-- not any more. A row holds from its moment until the next one's of the device.
create table sharers (
  shop_id        bigint      not null,
  device         bytea       not null,  -- as shares has it
  starts_at      timestamptz not null,
  person_id      uuid        not null,
  earner_shop_id bigint,
  constraint sharers_pkey primary key (shop_id, device, starts_at),
  constraint sharers_of_shop foreign key (shop_id) references shops (shop_id),
  constraint sharers_earn_elsewhere check (earner_shop_id <> shop_id)
);
create index sharers_by_person on sharers (shop_id, person_id);
revoke update, delete, truncate on sharers from littleshop_app;

-- tenant: what a sharer's shop earns of an order when nothing of it goes back; level 1 is who shared
-- it, 2 by whose share he had come
create table referrals (
  shop_id        bigint      not null,
  order_id       uuid        not null,
  level          smallint    not null,
  earner_shop_id bigint      not null,
  code           text        not null,  -- the share
  base_minor     bigint      not null,  -- of the goods that earn, after what is off, without postage
  amount_minor   bigint      not null,
  fixed_at       timestamptz not null,
  constraint referrals_pkey primary key (shop_id, order_id, level),
  constraint referrals_once_a_shop unique (shop_id, order_id, earner_shop_id),
  constraint referrals_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint referrals_of_share foreign key (shop_id, code) references shares (shop_id, code),
  constraint referrals_two_levels check (level in (1, 2)),
  constraint referrals_of_another check (earner_shop_id <> shop_id),
  constraint referrals_capped check (amount_minor > 0 and amount_minor * 10 <= base_minor * 3)
);
create index referrals_by_earner on referrals (shop_id, earner_shop_id);
revoke update, delete, truncate on referrals from littleshop_app;

-- tenant: the same thing by thing: of this line so much, at this rate
create table referral_lines (
  shop_id    bigint   not null,
  order_id   uuid     not null,
  level      smallint not null,
  position   integer  not null,
  base_minor bigint   not null,
  rate_bps   integer  not null,
  constraint referral_lines_pkey primary key (shop_id, order_id, level, position),
  constraint referral_lines_of_referral foreign key (shop_id, order_id, level)
    references referrals (shop_id, order_id, level),
  constraint referral_lines_capped check (base_minor > 0 and rate_bps between 1 and 3000)
);
revoke update, delete, truncate on referral_lines from littleshop_app;

-- tenant: a referral in the shop that earns; what became of it stands in the shop that sold
create table earned_referrals (
  shop_id      bigint      not null,
  from_shop_id bigint      not null,
  order_id     uuid        not null,
  level        smallint    not null,
  currency     text        not null,
  amount_minor bigint      not null,
  fixed_at     timestamptz not null,
  constraint earned_referrals_pkey primary key (shop_id, from_shop_id, order_id),
  constraint earned_referrals_of_another check (from_shop_id <> shop_id),
  constraint earned_referrals_sane check (amount_minor > 0 and level in (1, 2))
);
create index earned_referrals_in_time on earned_referrals (shop_id, fixed_at desc);
revoke update, delete, truncate on earned_referrals from littleshop_app;

-- What of a released sum the two levels earn. `p_whole` is the order's total less our fee, `p_rest`
-- what is released less our fee: all of it released, they earn all that was agreed.
-- sale/sharing_out.py says the same.
create function referrals_due(
  p_first bigint, p_second bigint, p_whole bigint, p_rest bigint,
  out first_due bigint, out second_due bigint
) language sql immutable as $$
  with one as (
    select case when coalesce(p_first, 0) = 0 or p_whole <= 0 then 0
                else div(least(p_first, p_whole)::numeric * p_rest, p_whole)::bigint end as due,
           greatest(p_whole - least(coalesce(p_first, 0), p_whole), 0) as whole)
  select one.due,
         case when coalesce(p_second, 0) = 0 or one.whole = 0 then 0
              else div(least(p_second, one.whole)::numeric * (p_rest - one.due), one.whole)::bigint
         end
    from one
$$;
