-- The seller's order book: what a seller writes on an order, how he changed its price before it was
-- paid, by which words it is found, and which pieces lie in which parcel (docs/decisions/0041).
-- All tables here are tenant tables.

-- What the seller took off the goods (below 0) or put on them before anything was paid.
alter table orders add column adjusted_minor bigint not null default 0;
alter table orders drop constraint orders_sum_right, add constraint orders_sum_right check (
  total_minor = goods_minor + shipping_minor - discount_minor + adjusted_minor) not valid;
alter table orders add constraint orders_adjusted_sane check (
  goods_minor - discount_minor + adjusted_minor >= 0) not valid;

-- tenant: each change of an unpaid order's price; only grows
create table price_changes (
  shop_id       bigint      not null,
  order_id      uuid        not null,
  change_id     uuid        not null,
  goods_minor   bigint      not null,  -- what the goods cost the buyer since
  postage_minor bigint      not null,
  before_minor  bigint      not null,  -- the total until then
  total_minor   bigint      not null,
  reason        text        not null,  -- the buyer reads it
  person_id     uuid        not null,
  at            timestamptz not null,
  constraint price_changes_pkey primary key (shop_id, order_id, change_id),
  constraint price_changes_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint price_changes_sane check (
    goods_minor >= 0 and postage_minor >= 0 and total_minor = goods_minor + postage_minor
    and total_minor > 0 and before_minor > 0),
  constraint price_changes_reasoned check (length(reason) between 1 and 120)
);

-- tenant: what the seller wrote on an order, for himself; the last one counts, none is changed
create table order_notes (
  shop_id   bigint      not null,
  order_id  uuid        not null,
  note_id   uuid        not null,
  text      text        not null,  -- '': taken away
  person_id uuid        not null,
  at        timestamptz not null,
  constraint order_notes_pkey primary key (shop_id, order_id, note_id),
  constraint order_notes_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint order_notes_short check (length(text) <= 500)
);

-- tenant: what an order is found by without being read: blind words of its recipient's name and of
-- the tail of his phone. Filled by a job, may lag.
create table order_words (
  shop_id bigint not null,
  word    bytea  not null,
  number  bigint not null,
  constraint order_words_pkey primary key (shop_id, word, number),
  constraint order_words_are_blind check (length(word) = 16)
);

-- tenant: up to which number a shop's orders have their words
create table order_word_marks (
  shop_id bigint not null,
  number  bigint not null,
  constraint order_word_marks_pkey primary key (shop_id)
);

-- tenant: what of an order lies in a parcel; a parcel without any holds all of it
create table parcel_items (
  shop_id   bigint   not null,
  parcel_id uuid     not null,
  position  smallint not null,
  quantity  integer  not null,
  constraint parcel_items_pkey primary key (shop_id, parcel_id, position),
  constraint parcel_items_of_parcel foreign key (shop_id, parcel_id)
    references parcels (shop_id, parcel_id),
  constraint parcel_items_sane check (quantity between 1 and 999)
);

-- a page of a list, whatever its state; who else has a tracking number; the orders of a thing
create index orders_of_state on orders (shop_id, status, number);
create index parcels_of_number on parcels (shop_id, tracking_number) where tracking_number <> '';
create index order_items_of_product on order_items (shop_id, product_id, order_id);

revoke update, delete, truncate on price_changes, order_notes from littleshop_app;
revoke delete, truncate on parcel_items from littleshop_app;
