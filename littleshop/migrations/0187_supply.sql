-- Where goods come from and whether they are all there (docs/decisions/0046-stock-and-cost.md).

-- tenant: who a shop buys from
create table suppliers (
  shop_id        bigint      not null,
  supplier_id    uuid        not null,
  name           text        not null,
  contact_sealed bytea,                -- a phone, an address: sealed as those of buyers are
  notes          text        not null default '',
  made_at        timestamptz not null,
  made_by        uuid        not null,
  constraint suppliers_pkey primary key (shop_id, supplier_id),
  constraint suppliers_named check (length(btrim(name)) between 1 and 60),
  constraint suppliers_notes_short check (length(notes) <= 2000)
);

-- tenant: what is bought of one of them at once
create table purchases (
  shop_id     bigint      not null,
  purchase_id uuid        not null,
  number      integer     not null,  -- counts within the shop; people say it
  supplier_id uuid        not null,
  status      text        not null default 'draft',
  expected_on date,
  made_at     timestamptz not null,
  made_by     uuid        not null,
  ordered_at  timestamptz,
  ended_at    timestamptz,
  constraint purchases_pkey primary key (shop_id, purchase_id),
  constraint purchases_number_once unique (shop_id, number),
  constraint purchases_of_supplier foreign key (shop_id, supplier_id)
    references suppliers (shop_id, supplier_id),
  constraint purchases_status_known check (
    status in ('draft', 'ordered', 'part_received', 'received', 'cancelled')),
  constraint purchases_ordered_then check (
    (ordered_at is not null) = (status in ('ordered', 'part_received', 'received'))
    or status = 'cancelled'),
  constraint purchases_ended_then check (
    (ended_at is not null) = (status in ('received', 'cancelled')))
);

-- tenant: so many of a kind, at so much a piece
create table purchase_lines (
  shop_id     bigint  not null,
  purchase_id uuid    not null,
  variant_id  uuid    not null,
  quantity    integer not null,
  cost_minor  bigint  not null,
  received    integer not null default 0,  -- more than ordered when the seller said so
  constraint purchase_lines_pkey primary key (shop_id, purchase_id, variant_id),
  constraint purchase_lines_of_purchase foreign key (shop_id, purchase_id)
    references purchases (shop_id, purchase_id),
  constraint purchase_lines_of_variant foreign key (shop_id, variant_id)
    references variants (shop_id, variant_id),
  constraint purchase_lines_pieces_sane check (quantity between 1 and 1000000 and received >= 0),
  constraint purchase_lines_cost_sane check (cost_minor between 0 and 9999999999)
);

-- tenant: what came of a purchase; each is the movement of the stock that has its id
create table receipts (
  shop_id     bigint      not null,
  receipt_id  uuid        not null,
  purchase_id uuid        not null,
  variant_id  uuid        not null,
  quantity    integer     not null,
  cost_minor  bigint      not null,  -- of a piece, as the purchase said
  person_id   uuid        not null,
  at          timestamptz not null,
  constraint receipts_pkey primary key (shop_id, receipt_id),
  constraint receipts_of_line foreign key (shop_id, purchase_id, variant_id)
    references purchase_lines (shop_id, purchase_id, variant_id),
  constraint receipts_are_movements foreign key (shop_id, receipt_id)
    references stock_movements (shop_id, movement_id),
  constraint receipts_bring check (quantity > 0)
);
create index receipts_of_purchase on receipts (shop_id, purchase_id, at);
revoke update, delete, truncate on receipts from littleshop_app;

-- tenant: counts of the shelf; one is open at a time
create table stocktakes (
  shop_id      bigint      not null,
  stocktake_id uuid        not null,
  status       text        not null default 'open',
  opened_at    timestamptz not null,
  opened_by    uuid        not null,
  ended_at     timestamptz,
  ended_by     uuid,
  constraint stocktakes_pkey primary key (shop_id, stocktake_id),
  constraint stocktakes_status_known check (status in ('open', 'booked', 'dropped')),
  constraint stocktakes_ended_then check ((ended_at is null) = (status = 'open'))
);
create unique index stocktakes_one_open on stocktakes (shop_id) where status = 'open';

-- tenant: what was counted of a kind, beside what was on hand at that moment
create table stocktake_lines (
  shop_id      bigint      not null,
  stocktake_id uuid        not null,
  variant_id   uuid        not null,
  counted      integer     not null,
  expected     integer     not null,
  count_id     uuid        not null,  -- of the form that counted last: sent twice, counts once
  at           timestamptz not null,
  person_id    uuid        not null,
  cost_minor   bigint,                -- of a piece when it was booked
  movement_id  uuid,                  -- the correction
  constraint stocktake_lines_pkey primary key (shop_id, stocktake_id, variant_id),
  constraint stocktake_lines_of_stocktake foreign key (shop_id, stocktake_id)
    references stocktakes (shop_id, stocktake_id),
  constraint stocktake_lines_of_variant foreign key (shop_id, variant_id)
    references variants (shop_id, variant_id),
  constraint stocktake_lines_are_movements foreign key (shop_id, movement_id)
    references stock_movements (shop_id, movement_id),
  constraint stocktake_lines_sane check (counted between 0 and 10000000 and expected >= 0)
);

-- tenant: from how many pieces on a kind runs low, where it is not the shop's own number
create table low_marks (
  shop_id    bigint  not null,
  variant_id uuid    not null,
  pieces     integer,             -- none: the shop's
  told_at    timestamptz,         -- that it runs low; none again when it was refilled
  constraint low_marks_pkey primary key (shop_id, variant_id),
  constraint low_marks_of_variant foreign key (shop_id, variant_id)
    references variants (shop_id, variant_id),
  constraint low_marks_sane check (pieces between 0 and 1000000)
);

-- tenant: the shop's number
create table low_defaults (
  shop_id bigint  not null,
  pieces  integer not null,
  constraint low_defaults_pkey primary key (shop_id),
  constraint low_defaults_sane check (pieces between 0 and 1000000)
);

alter table stock_movements drop constraint stock_movements_reason_known;
alter table stock_movements add constraint stock_movements_reason_known check (
  reason in ('received', 'counted', 'shipped', 'returned', 'damaged', 'exchanged', 'stocktake'))
  not valid;
