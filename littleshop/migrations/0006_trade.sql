-- Buying: customers, carts, orders and their clocks. tenant tables.

create table customers (
  shop_id         bigint      not null,
  phone_index     bytea       not null,  -- blind index; the phone itself is sealed
  phone_sealed    bytea       not null,
  delivery_sealed bytea,                 -- last used name and address, json
  locale          text        not null,
  first_seen_at   timestamptz not null,
  notes           text        not null default '',
  constraint customers_pkey primary key (shop_id, phone_index)
);

create table carts (
  shop_id    bigint      not null,
  cart_id    uuid        not null,
  device     bytea       not null,  -- hash of the device's cookie
  created_at timestamptz not null,
  touched_at timestamptz not null,
  constraint carts_pkey primary key (shop_id, cart_id),
  constraint carts_one_per_device unique (shop_id, device)
);

create table cart_items (
  shop_id    bigint      not null,
  cart_id    uuid        not null,
  variant_id uuid        not null,
  quantity   integer     not null,
  added_at   timestamptz not null,
  constraint cart_items_pkey primary key (shop_id, cart_id, variant_id),
  constraint cart_items_of_cart foreign key (shop_id, cart_id)
    references carts (shop_id, cart_id) on delete cascade,
  constraint cart_items_quantity_sane check (quantity between 1 and 999)
);

create table order_counters (
  shop_id     bigint not null,
  last_number bigint not null default 1000,
  constraint order_counters_pkey primary key (shop_id)
) with (fillfactor = 50);

create table orders (
  shop_id         bigint      not null,
  order_id        uuid        not null,
  number          bigint      not null,  -- what people read out; per shop
  kind            text        not null default 'checkout',
  status          text        not null default 'placed',
  phone_index     bytea       not null,
  delivery_sealed bytea       not null,  -- name, phone, address as json
  way             text        not null,
  currency        text        not null,
  goods_minor     bigint      not null,
  shipping_minor  bigint      not null,
  discount_minor  bigint      not null default 0,
  total_minor     bigint      not null,
  held_minor      bigint      not null default 0,  -- what escrow holds for this order now
  commission_bps  integer     not null default 0,  -- as agreed when it was placed
  note            text        not null default '',
  locale          text        not null,
  key             bytea       not null,  -- the request's idempotency key, hashed
  request_hash    bytea       not null,
  cart_id         uuid,
  share_code      text,                  -- the share this order is credited to
  replaced_by     uuid,                  -- the buyer's own new attempt
  cancel_reason   text,
  placed_at       timestamptz not null,
  paid_at         timestamptz,
  shipped_at      timestamptz,
  delivered_at    timestamptz,
  received_at     timestamptz,
  cancelled_at    timestamptz,
  refunded_at     timestamptz,
  reminded_at     timestamptz,           -- the buyer asked to ship
  extended_at     timestamptz,           -- the buyer took his one extension
  constraint orders_pkey primary key (shop_id, order_id),
  constraint orders_number_once unique (shop_id, number),
  constraint orders_key_once unique (shop_id, key),
  constraint orders_kind_known check (kind in ('checkout')),
  constraint orders_status_known check (status in (
    'placed', 'to_ship', 'shipped', 'delivered', 'received', 'closed', 'cancelled', 'refunded')),
  constraint orders_way_known check (way in ('courier', 'pickup')),
  constraint orders_sum_right check (total_minor = goods_minor + shipping_minor - discount_minor),
  constraint orders_amounts_sane check (
    goods_minor > 0 and shipping_minor >= 0 and discount_minor >= 0 and total_minor > 0),
  constraint orders_commission_sane check (commission_bps between 0 and 10000),
  constraint orders_hold_sane check (held_minor between 0 and total_minor),
  constraint orders_paid_holds check (
    (status in ('to_ship', 'shipped', 'delivered') and held_minor = total_minor)
    or (status in ('placed', 'cancelled', 'received', 'closed') and held_minor = 0)
    or status = 'refunded'),
  constraint orders_paid_dated check (
    (status in ('placed', 'cancelled')) = (paid_at is null))
) with (fillfactor = 80);
create index orders_by_state on orders (shop_id, status, placed_at desc);
create index orders_by_customer on orders (shop_id, phone_index, placed_at desc);
create index orders_unpaid_of_cart on orders (shop_id, cart_id) where status = 'placed';
create index orders_in_time on orders (shop_id, placed_at);

create table order_items (
  shop_id    bigint   not null,
  order_id   uuid     not null,
  position   smallint not null,
  product_id uuid     not null,
  variant_id uuid     not null,
  title      text     not null,
  choice     text     not null default '',
  photo      text     not null default '',
  unit_minor bigint   not null,
  quantity   integer  not null,
  constraint order_items_pkey primary key (shop_id, order_id, position),
  constraint order_items_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint order_items_sane check (quantity between 1 and 999 and unit_minor > 0)
);

create table order_links (
  shop_id    bigint not null,
  token_hash bytea  not null,
  order_id   uuid   not null,
  role       text   not null,
  constraint order_links_pkey primary key (shop_id, token_hash),
  constraint order_links_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint order_links_role_known check (role in ('chooser', 'payer', 'recipient'))
);
create index order_links_by_order on order_links (shop_id, order_id);

-- A link shows; only a device that ordered, paid or claimed acts.
create table order_devices (
  shop_id  bigint not null,
  order_id uuid   not null,
  role     text   not null,
  device   bytea  not null,
  constraint order_devices_pkey primary key (shop_id, order_id, role, device),
  constraint order_devices_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint order_devices_role_known check (role in ('chooser', 'payer', 'recipient'))
);

create table order_events (
  shop_id  bigint      not null,
  order_id uuid        not null,
  event_id uuid        not null,
  kind     text        not null,
  by_role  text        not null,
  details  jsonb       not null default '{}',
  at       timestamptz not null,
  constraint order_events_pkey primary key (shop_id, order_id, event_id),
  constraint order_events_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint order_events_role_known check (by_role in ('buyer', 'seller', 'platform', 'clock'))
);

create table parcels (
  shop_id          bigint      not null,
  parcel_id        uuid        not null,
  order_id         uuid        not null,
  way              text        not null,
  carrier          text        not null default '',
  tracking_number  text        not null default '',
  pickup_code_hash bytea,
  handed_over_at   timestamptz not null,
  delivered_at     timestamptz,
  constraint parcels_pkey primary key (shop_id, parcel_id),
  constraint parcels_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint parcels_way_known check (way in ('courier', 'pickup')),
  constraint parcels_courier_numbered check (
    way <> 'courier' or (carrier <> '' and tracking_number <> ''))
);
create index parcels_of_order_index on parcels (shop_id, order_id);

-- What is due later is a row here, written with the state that needs it.
create table timers (
  shop_id   bigint      not null,
  subject   uuid        not null,
  kind      text        not null,
  due_at    timestamptz not null,
  paused_at timestamptz,
  effect    jsonb       not null default '{}',
  constraint timers_pkey primary key (shop_id, subject, kind)
);
create index timers_due on timers (due_at) where paused_at is null;
