-- What sending costs by region (docs/decisions/0050-postage-by-region.md). A shop without rows here
-- charges the flat fee of its own row, as ever: that is its standard rate.

-- tenant: a named template
create table shipping_rates (
  shop_id    bigint      not null,
  rate_id    uuid        not null,
  name       text        not null,
  measure    text        not null,  -- what its fees count: the whole order, pieces, grams
  created_at timestamptz not null,
  constraint shipping_rates_pkey primary key (shop_id, rate_id),
  constraint shipping_rates_of_shop foreign key (shop_id) references shops (shop_id),
  constraint shipping_rates_name_once unique (shop_id, name),
  constraint shipping_rates_name_said check (length(btrim(name)) between 1 and 20),
  constraint shipping_rates_measure_known check (measure in ('order', 'piece', 'weight'))
);

-- tenant: its rows, the first that names a region holds; the last names none and holds everywhere
-- else. Amounts in minor units of the shop's currency, units in pieces or grams.
create table shipping_rules (
  shop_id         bigint   not null,
  rate_id         uuid     not null,
  position        smallint not null,
  regions         text[]   not null,  -- province codes of GB/T 2260, catalog/provinces.py
  delivered       boolean  not null default true,
  first_units     integer  not null default 1,
  first_minor     bigint   not null default 0,
  more_units      integer  not null default 1,
  more_minor      bigint   not null default 0,
  free_over_minor bigint,
  free_pieces     integer,
  constraint shipping_rules_pkey primary key (shop_id, rate_id, position),
  constraint shipping_rules_of_rate foreign key (shop_id, rate_id)
    references shipping_rates (shop_id, rate_id),
  constraint shipping_rules_fees_sane check (
    first_minor between 0 and 100000000 and more_minor between 0 and 100000000),
  constraint shipping_rules_units_sane check (
    first_units between 1 and 1000000 and more_units between 1 and 1000000),
  constraint shipping_rules_free_sane check (
    free_over_minor between 1 and 100000000000 and free_pieces is null
    or free_over_minor is null and free_pieces between 1 and 9999
    or free_over_minor is null and free_pieces is null)
);

alter table shops add column rate_id uuid;     -- its standard rate; null: the flat fee
alter table products add column rate_id uuid;  -- null: the shop's standard rate
alter table shops add constraint shops_of_rate foreign key (shop_id, rate_id)
  references shipping_rates (shop_id, rate_id) not valid;
alter table products add constraint products_of_rate foreign key (shop_id, rate_id)
  references shipping_rates (shop_id, rate_id) not valid;
create index products_by_rate on products (shop_id, rate_id) where rate_id is not null;

-- The rules of a template as catalog/shipping_rates.py reads them.
create function rules_of(p_shop bigint, p_rate uuid) returns jsonb language sql stable as $$
  select jsonb_agg(jsonb_build_object(
           'regions', u.regions, 'delivered', u.delivered, 'first_units', u.first_units,
           'first_minor', u.first_minor, 'more_units', u.more_units, 'more_minor', u.more_minor,
           'free_over_minor', u.free_over_minor, 'free_pieces', u.free_pieces)
         order by u.position)
    from shipping_rules u where u.shop_id = p_shop and u.rate_id = p_rate
$$;
