-- What a shop sells. tenant tables; `variants` is on the hot path of placing.

create table products (
  shop_id          bigint      not null,
  product_id       uuid        not null,
  title            text        not null,
  description      text        not null default '',
  options          jsonb       not null default '[]',  -- [{"name": ..., "values": [...]}], at most 3
  category         text        not null default '',
  status           text        not null default 'draft',
  sort_order       integer     not null default 0,
  no_reason_return boolean     not null default true,
  created_at       timestamptz not null,
  updated_at       timestamptz not null,
  constraint products_pkey primary key (shop_id, product_id),
  constraint products_of_shop foreign key (shop_id) references shops (shop_id),
  constraint products_title_said check (length(btrim(title)) between 1 and 120),
  constraint products_description_short check (length(description) <= 10000),
  constraint products_status_known check (status in ('draft', 'on_sale', 'hidden')),
  constraint products_three_axes check (jsonb_array_length(options) <= 3)
);
create index products_in_order on products (shop_id, status, sort_order, product_id);

create table variants (
  shop_id          bigint  not null,
  variant_id       uuid    not null,
  product_id       uuid    not null,
  choice           text[]  not null default '{}',
  price_minor      bigint  not null,
  compare_at_minor bigint,
  cost_minor       bigint,
  sku              text    not null default '',
  barcode          text    not null default '',
  weight_grams     integer not null default 0,
  on_hand          integer not null default 0,  -- changes only with a stock movement
  held             integer not null default 0,  -- promised to open orders
  sort_order       integer not null default 0,
  withdrawn        boolean not null default false,
  constraint variants_pkey primary key (shop_id, variant_id),
  constraint variants_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint variants_choice_once unique (shop_id, product_id, choice),
  constraint variants_price_sane check (price_minor between 1 and 9999999999),
  constraint variants_compare_at_above check (compare_at_minor > price_minor),
  constraint variants_cost_sane check (cost_minor between 0 and 9999999999),
  constraint variants_weight_sane check (weight_grams between 0 and 1000000),
  constraint variants_stock_covers_holds check (held >= 0 and on_hand >= held),
  constraint variants_stock_sane check (on_hand <= 10000000)
) with (fillfactor = 70);

create table photos (
  shop_id    bigint   not null,
  photo_id   uuid     not null,
  product_id uuid     not null,
  file       text     not null,  -- content hash, the folder under /f/
  width      integer  not null,
  height     integer  not null,
  colour     text     not null,
  alt        text     not null default '',
  sort_order smallint not null default 0,
  constraint photos_pkey primary key (shop_id, photo_id),
  constraint photos_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint photos_size_sane check (width between 1 and 20000 and height between 1 and 20000)
);
create index photos_in_order on photos (shop_id, product_id, sort_order);

create table stock_movements (
  shop_id     bigint      not null,
  movement_id uuid        not null,
  variant_id  uuid        not null,
  quantity    integer     not null,
  reason      text        not null,
  order_id    uuid,
  person_id   uuid,
  at          timestamptz not null,
  constraint stock_movements_pkey primary key (shop_id, movement_id),
  constraint stock_movements_of_variant foreign key (shop_id, variant_id)
    references variants (shop_id, variant_id),
  constraint stock_movements_move check (quantity <> 0),
  constraint stock_movements_reason_known check (
    reason in ('received', 'counted', 'shipped', 'returned', 'damaged'))
);
create index stock_movements_of_variant_in_time on stock_movements (shop_id, variant_id, at);
create unique index stock_movements_once_per_order on stock_movements
  (shop_id, order_id, variant_id, reason) where order_id is not null;
revoke update, delete, truncate on stock_movements from littleshop_app;
