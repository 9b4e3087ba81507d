-- Re-selling (docs/decisions/0051-reselling.md): a shop opens a product at a supply price, another
-- lists it at a price of its own and without stock; what is bought there is an order of the shop
-- that ships it.

-- tenant: a product that others may sell; the row stays when it is withdrawn
create table resale_offers (
  shop_id      bigint      not null,
  product_id   uuid        not null,
  open_to_all  boolean     not null,
  token_hash   bytea       not null,  -- of the link for whom the seller chose
  opened_at    timestamptz not null,
  changed_at   timestamptz not null,
  withdrawn_at timestamptz,
  constraint resale_offers_pkey primary key (shop_id, product_id),
  constraint resale_offers_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id)
);

-- tenant: what a piece costs the re-seller, and between which prices she may sell it
create table resale_prices (
  shop_id      bigint not null,
  variant_id   uuid   not null,
  product_id   uuid   not null,
  supply_minor bigint not null,
  least_minor  bigint,
  most_minor   bigint,
  constraint resale_prices_pkey primary key (shop_id, variant_id),
  constraint resale_prices_of_offer foreign key (shop_id, product_id)
    references resale_offers (shop_id, product_id),
  constraint resale_prices_of_variant foreign key (shop_id, variant_id)
    references variants (shop_id, variant_id),
  constraint resale_prices_sane check (supply_minor between 1 and 9999999999),
  constraint resale_prices_bounds_sane check (
    coalesce(least_minor, supply_minor) >= supply_minor
    and coalesce(most_minor, 9999999999)
        >= greatest(coalesce(least_minor, supply_minor), supply_minor))
);
create index resale_prices_of_offer_index on resale_prices (shop_id, product_id);

-- tenant: which shops list a product of this one
create table resellers (
  shop_id          bigint      not null,
  product_id       uuid        not null,
  reseller_shop_id bigint      not null,
  listed_at        timestamptz not null,
  ended_at         timestamptz,
  constraint resellers_pkey primary key (shop_id, product_id, reseller_shop_id),
  constraint resellers_of_offer foreign key (shop_id, product_id)
    references resale_offers (shop_id, product_id),
  constraint resellers_sell_for_others check (reseller_shop_id <> shop_id)
);

-- tenant: a product on this shop's shelf that another one ships; `why_off`: why it is not for sale
create table resold_products (
  shop_id         bigint      not null,
  product_id      uuid        not null,
  from_shop_id    bigint      not null,
  from_product_id uuid        not null,
  listed_at       timestamptz not null,
  why_off         text,
  ended_at        timestamptz,
  seen_version    bigint      not null default 0,  -- of the supplier's pages, when it was looked at
  constraint resold_products_pkey primary key (shop_id, product_id),
  constraint resold_products_once unique (shop_id, from_shop_id, from_product_id),
  constraint resold_products_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint resold_products_of_others check (from_shop_id <> shop_id),
  constraint resold_products_why_known check (
    why_off in ('withdrawn', 'gone', 'below_supply', 'out_of_bounds'))
);
create index resold_products_by_supplier on resold_products (from_shop_id) where ended_at is null;

-- tenant: a kind of it, what a piece costs as she was told, and whether there is any
create table resold_variants (
  shop_id         bigint  not null,
  variant_id      uuid    not null,
  product_id      uuid    not null,
  from_shop_id    bigint  not null,
  from_variant_id uuid    not null,
  supply_minor    bigint  not null,
  supplied        boolean not null,
  constraint resold_variants_pkey primary key (shop_id, variant_id),
  constraint resold_variants_once unique (shop_id, from_shop_id, from_variant_id),
  constraint resold_variants_of_listing foreign key (shop_id, product_id)
    references resold_products (shop_id, product_id),
  constraint resold_variants_of_variant foreign key (shop_id, variant_id)
    references variants (shop_id, variant_id),
  constraint resold_variants_supply_sane check (supply_minor > 0)
);
create index resold_variants_of_product on resold_variants (shop_id, product_id);

-- tenant: an order of the shop that ships, sold by another; of the total so much is her margin
create table resales (
  shop_id         bigint not null,
  order_id        uuid   not null,
  sold_by_shop_id bigint not null,
  supply_minor    bigint not null,
  margin_minor    bigint not null,
  constraint resales_pkey primary key (shop_id, order_id),
  constraint resales_of_order foreign key (shop_id, order_id) references orders (shop_id, order_id),
  constraint resales_by_another check (sold_by_shop_id <> shop_id),
  constraint resales_never_below_supply check (margin_minor >= 0 and supply_minor > 0)
);
create index resales_by_seller on resales (shop_id, sold_by_shop_id);
revoke update, delete, truncate on resales from littleshop_app;

-- tenant: the same order in the books of the shop that sold it, under a number of its own
create table resold_orders (
  shop_id      bigint      not null,
  from_shop_id bigint      not null,
  order_id     uuid        not null,
  number       bigint      not null,
  phone_index  bytea       not null,
  name_sealed  bytea       not null,  -- of the buyer; phone and address stay with who ships
  currency     text        not null,
  total_minor  bigint      not null,
  margin_minor bigint      not null,
  placed_at    timestamptz not null,
  constraint resold_orders_pkey primary key (shop_id, from_shop_id, order_id),
  constraint resold_orders_number_once unique (shop_id, number),
  constraint resold_orders_from_another check (from_shop_id <> shop_id),
  constraint resold_orders_amounts_sane check (margin_minor between 0 and total_minor)
);
create index resold_orders_in_time on resold_orders (shop_id, placed_at desc);
revoke update, delete, truncate on resold_orders from littleshop_app;

-- What of a released sum is the re-seller's: after our fee, in proportion to her margin in the total.
-- sale/sharing_out.py says the same.
create function resale_due(p_margin bigint, p_total bigint, p_released bigint, p_fee bigint)
returns bigint language sql immutable as $$
  select case when coalesce(p_margin, 0) = 0 or p_total = 0 then 0
              else div(p_margin::numeric * (p_released - p_fee), p_total)::bigint end
$$;

alter table orders drop constraint orders_kind_known;
alter table orders add constraint orders_kind_known
  check (kind in ('checkout', 'invitation', 'pay_for_me', 'gift', 'chip_in', 'team', 'resale'))
  not valid;
