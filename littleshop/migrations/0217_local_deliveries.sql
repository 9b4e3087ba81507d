-- A seller who brings things himself, by distance (docs/decisions/0050-postage-by-region.md).

-- tenant: where from, for how much at least, and its bands, the nearest first:
-- [{"meters": 3000, "fee_minor": 500, "places": ["翡翠城"]}]
create table local_deliveries (
  shop_id     bigint      not null,
  lat_e6      integer,     -- millionths of a degree; null: only places that a band names
  lon_e6      integer,
  least_minor bigint      not null default 0,  -- of goods
  bands       jsonb       not null,
  changed_at  timestamptz not null,
  constraint local_deliveries_pkey primary key (shop_id),
  constraint local_deliveries_of_shop foreign key (shop_id) references shops (shop_id),
  constraint local_deliveries_on_earth check (
    (lat_e6 is null) = (lon_e6 is null) and lat_e6 between -90000000 and 90000000
    and lon_e6 between -180000000 and 180000000),
  constraint local_deliveries_least_sane check (least_minor between 0 and 100000000000),
  constraint local_deliveries_has_bands check (jsonb_array_length(bands) between 1 and 5)
);
