-- Where parcels are: what a tracking service was asked, what it pushed, and the scans that make a
-- parcel's way (docs/decisions/0049). All tables here are tenant tables.

alter table parcels add column taken_back_at timestamptz;  -- its shipping was undone: it never left

-- tenant: a parcel that is followed
create table trackings (
  shop_id     bigint      not null,
  parcel_id   uuid        not null,
  order_id    uuid        not null,
  status      text        not null,            -- of the asking
  why         text        not null default '', -- nobody follows it because
  state       text        not null default 'unknown',  -- of the parcel, by its latest scan
  state_at    timestamptz,                     -- the courier's time
  told_at     timestamptz,                     -- when we heard of it last
  objected_at timestamptz,                     -- "it did not come", said its recipient
  token_hash  bytea,                           -- of the address that its news are pushed to
  asked_at    timestamptz not null,
  constraint trackings_pkey primary key (shop_id, parcel_id),
  constraint trackings_token_once unique (shop_id, token_hash),
  constraint trackings_of_parcel foreign key (shop_id, parcel_id)
    references parcels (shop_id, parcel_id),
  constraint trackings_status_known check (status in ('asked', 'followed', 'unfollowed', 'over')),
  constraint trackings_state_known check (state in ('unknown', 'picked_up', 'in_transit',
    'out_for_delivery', 'at_station', 'delivered', 'problem', 'returning', 'returned')),
  constraint trackings_token_is_hash check (token_hash is null or length(token_hash) = 32)
);
create index trackings_of_order on trackings (shop_id, order_id);

-- tenant: what happened to a parcel on its way. The words are the courier's, who names people.
create table scans (
  shop_id      bigint      not null,
  parcel_id    uuid        not null,
  scan_id      uuid        not null,  -- derived from time and words: told twice, kept once
  at           timestamptz not null,  -- the courier's time
  state        text        not null,
  words_sealed bytea       not null,
  heard_at     timestamptz not null,
  constraint scans_pkey primary key (shop_id, parcel_id, scan_id),
  constraint scans_of_tracking foreign key (shop_id, parcel_id)
    references trackings (shop_id, parcel_id),
  constraint scans_state_known check (state in ('unknown', 'picked_up', 'in_transit',
    'out_for_delivery', 'at_station', 'delivered', 'problem', 'returning', 'returned'))
);

-- tenant: what was pushed about a parcel: verified, kept once, acted on by a job
create table tracking_notices (
  shop_id     bigint      not null,
  notice_id   uuid        not null,  -- derived from what was told
  parcel_id   uuid        not null,
  told_sealed bytea       not null,
  received_at timestamptz not null,
  handled_at  timestamptz,
  constraint tracking_notices_pkey primary key (shop_id, notice_id),
  constraint tracking_notices_of_tracking foreign key (shop_id, parcel_id)
    references trackings (shop_id, parcel_id)
);
create index tracking_notices_handled on tracking_notices (handled_at) where handled_at is not null;

-- A shipping that was undone, and the same pieces shipped again; the first time stays once.
alter table stock_movements drop constraint stock_movements_reason_known;
alter table stock_movements add constraint stock_movements_reason_known check (
  reason in ('received', 'counted', 'shipped', 'returned', 'damaged', 'exchanged', 'stocktake',
             'unshipped', 'reshipped')) not valid;
