-- Shares and visits, and what a shop says of who keeps it and where.

alter table shops
  add column seller text not null default '',
  add column place  text not null default '',
  add constraint shops_seller_length check (length(seller) <= 40),
  add constraint shops_place_length check (length(place) <= 60);
create index shops_brought_by on shops (brought_by_shop_id, brought_by_share)
  where brought_by_share is not null;

-- tenant: a link that somebody sent on; the same maker, thing, channel and name is the same share
create table shares (
  shop_id    bigint      not null,
  code       text        not null,
  product_id uuid,                    -- null: the whole shop
  channel    text        not null,    -- link, qr, wechat_group ...
  label      text        not null default '',  -- the seller's name for it; '' made by a visitor
  device     bytea,                   -- whose share it is: a device (hash of its cookie) ...
  person_id  uuid,                    -- ... or somebody signed in
  created_at timestamptz not null,
  constraint shares_pkey primary key (shop_id, code),
  constraint shares_of_shop foreign key (shop_id) references shops (shop_id),
  constraint shares_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint shares_once unique nulls not distinct
    (shop_id, product_id, channel, label, device, person_id),
  constraint shares_code_shape check (code ~ '^[0-9a-v]{1,13}-[2-9a-z]{6}$'),
  constraint shares_channel_shape check (channel ~ '^[a-z_]{2,24}$'),
  constraint shares_label_length check (length(label) <= 30)
);

-- tenant: who came today, a row per visitor and subject; folded and dropped when the day closes
create table visits (
  shop_id  bigint      not null,
  day      date        not null,  -- where the shop is
  kind     text        not null,
  subject  text        not null,  -- the product's id or the share's code; '' otherwise
  visitor  bytea       not null,  -- random, or a hash under a key that is thrown away
  first_at timestamptz not null,
  last_at  timestamptz not null,
  views    integer     not null,
  constraint visits_pkey primary key (shop_id, day, kind, subject, visitor),
  constraint visits_kind_known check (kind in ('shop', 'look', 'basket', 'product', 'share')),
  constraint visits_positive check (views > 0)
) with (fillfactor = 80);

-- tenant: the days that are over
create table visit_days (
  shop_id  bigint    not null,
  day      date      not null,
  kind     text      not null,
  subject  text      not null,
  views    bigint    not null,
  visitors bigint    not null,
  quarters integer[] not null,  -- visitors by the quarter of an hour they came in first (of shop)
  constraint visit_days_pkey primary key (shop_id, day, kind, subject),
  constraint visit_days_kind_known
    check (kind in ('shop', 'look', 'basket', 'product', 'share')),
  constraint visit_days_sane check (views >= visitors and visitors > 0)
);
