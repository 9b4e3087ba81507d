-- What a share brought (docs/decisions/0034-attribution.md). Days that are over are folded by code,
-- so that a page reads a row per day and code and never all orders of a span.

-- tenant: placed and paid orders by the day and the code they are credited to: a share's, an
-- entrance's, or 'invitation' for orders that began with one. What went back is not in here: it may
-- go back months later, and is read from orders_went_back.
create table share_days (
  shop_id    bigint not null,
  day        date   not null,  -- where the shop is
  code       text   not null,
  placed     bigint not null,  -- on this day
  paid       bigint not null,  -- on this day, whenever they were placed
  paid_minor bigint not null,
  constraint share_days_pkey primary key (shop_id, day, code),
  constraint share_days_sane check (placed >= 0 and paid >= 0 and paid_minor >= paid)
);

-- tenant: how far the days of a shop are folded
create table share_folds (
  shop_id bigint not null,
  until   date   not null,     -- the first day that is not
  constraint share_folds_pkey primary key (shop_id)
);

-- tenant: a share whose maker had himself come by another share or by an entrance
create table share_descents (
  shop_id     bigint      not null,
  code        text        not null,
  parent_code text        not null,
  at          timestamptz not null,
  constraint share_descents_pkey primary key (shop_id, code),
  constraint share_descents_of_share foreign key (shop_id, code) references shares (shop_id, code),
  constraint share_descents_of_another check (parent_code <> code)
);
create index share_descents_of_parent on share_descents (shop_id, parent_code);

-- tenant: a shop whose keeper pressed "I also want to open a little shop" in this one
create table brought_shops (
  shop_id         bigint      not null,  -- where it was pressed
  brought_shop_id bigint      not null,
  code            text,                  -- the share or entrance he came by; null: by none
  device          bytea,                 -- whose share it was, as shares has it
  person_id       uuid,
  product_id      uuid,                  -- what was on his screen
  opened_at       timestamptz not null,
  constraint brought_shops_pkey primary key (shop_id, brought_shop_id),
  constraint brought_shops_another check (brought_shop_id <> shop_id)
);
create index brought_shops_in_time on brought_shops (shop_id, opened_at);

create index orders_credited on orders (shop_id, paid_at)
  where (share_code is not null or kind = 'invitation') and paid_at is not null;
create index orders_went_back on orders (shop_id, paid_at)
  where (share_code is not null or kind = 'invitation')
    and (status = 'refunded' or refunded_minor > 0);
create index visit_days_of_shares on visit_days (shop_id, day) include (subject, views, visitors)
  where kind = 'share';
