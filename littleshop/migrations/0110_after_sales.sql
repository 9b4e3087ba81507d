-- Money that goes back in parts, also after the seller was paid; after-sale cases; shop's terms.

-- Where a paid order's money is: held by escrow, back with the buyer, or released to the seller.
alter table orders add column refunded_minor bigint not null default 0;
alter table orders add column released_minor bigint not null default 0;
alter table orders add column direct boolean not null default false;  -- released when it was paid
update orders set released_minor = total_minor where status in ('received', 'closed');
update orders set refunded_minor = total_minor - held_minor where status = 'refunded';
alter table orders drop constraint orders_paid_holds;
alter table orders add constraint orders_money_is_somewhere check (
  refunded_minor >= 0 and released_minor >= 0 and held_minor + refunded_minor + released_minor
    = case when paid_at is null then 0 else total_minor end);
alter table orders add constraint orders_released_to_whom_it_is_due check (
  released_minor = 0 or direct or received_at is not null);

-- What was asked to go back, done or not: never more than came.
alter table payments add column refunded_minor bigint not null default 0;
update payments p set refunded_minor = coalesce((
  select sum(r.amount_minor) from refunds r
   where r.shop_id = p.shop_id and r.payment_id = p.payment_id), 0);
alter table payments add constraint payments_refunds_within_paid check (
  refunded_minor >= 0 and refunded_minor <= coalesce(paid_minor, 0));
alter table payments add column paid_currency text;  -- as it came: another one goes back
update payments set paid_currency = currency where status = 'paid';
alter table payments add constraint payments_paid_has_currency check (
  (paid_minor is null) = (paid_currency is null));
alter table payments drop constraint payments_accepted_exactly;
alter table payments add constraint payments_accepted_exactly check (
  outcome <> 'accepted' or (paid_minor = amount_minor and paid_currency = currency));
alter table payments drop constraint payments_method_known;
alter table payments add constraint payments_method_known check (
  method in ('wap', 'page', 'qr', 'jsapi'));

drop index refunds_full_once;  -- an id derived from payment and reason says so; parts come again
alter table refunds add column case_id uuid;
create index refunds_of_order on refunds (shop_id, order_id);

-- tenant: what was agreed with a shop beyond its commission
create table shop_terms (
  shop_id        bigint      not null,
  direct_since   timestamptz,                -- paid when its buyers pay, not when they receive
  direct_why     text        not null default '',
  reserve_bps    integer     not null default 0,  -- kept back of each payout
  reserve_days   integer     not null default 0,  -- and for how long
  retained_minor bigint      not null default 0,  -- never paid out
  changed_at     timestamptz not null,
  constraint shop_terms_pkey primary key (shop_id),
  constraint shop_terms_of_shop foreign key (shop_id) references shops (shop_id),
  constraint shop_terms_sane check (
    reserve_bps between 0 and 10000 and reserve_days between 0 and 365 and retained_minor >= 0),
  constraint shop_terms_direct_has_its_reason check ((direct_since is null) = (direct_why = ''))
);

-- Goods that the law lets a seller keep sold (food that spoils, made to measure): said before paying.
alter table products add column no_return_since timestamptz;

-- tenant: an after-sale case; one at a time per order
create table cases (
  shop_id         bigint      not null,
  case_id         uuid        not null,
  order_id        uuid        not null,
  number          integer     not null,        -- the order's first, second ...
  kind            text        not null,
  reason          text        not null,
  status          text        not null default 'asked',
  amount_minor    bigint      not null,        -- what the buyer asks back
  agreed_minor    bigint,                      -- what goes back in the end
  currency        text        not null,
  postage_by      text        not null,        -- who pays the parcel back
  asked_while     text        not null,        -- the order's state then
  carrier         text        not null default '',
  tracking_number text        not null default '',
  decided_by      uuid,
  asked_at        timestamptz not null,
  answered_at     timestamptz,
  sent_back_at    timestamptz,
  got_back_at     timestamptz,
  escalated_at    timestamptz,
  decided_at      timestamptz,
  ended_at        timestamptz,
  constraint cases_pkey primary key (shop_id, case_id),
  constraint cases_of_order foreign key (shop_id, order_id) references orders (shop_id, order_id),
  constraint cases_numbered unique (shop_id, order_id, number),
  constraint cases_kind_known check (kind in ('refund', 'return', 'exchange')),
  constraint cases_reason_known check (reason in (
    'not_wanted', 'not_arrived', 'not_as_described', 'damaged', 'wrong_item', 'missing', 'other')),
  constraint cases_status_known check (status in (
    'asked', 'returning', 'sent_back', 'replacing', 'refused', 'disputed', 'refunding',
    'done', 'withdrawn', 'lapsed', 'rejected')),
  constraint cases_ended_dated check (
    (status in ('done', 'withdrawn', 'lapsed', 'rejected')) = (ended_at is not null)),
  constraint cases_amount_fits_kind check (
    amount_minor >= 0 and (kind = 'exchange') = (amount_minor = 0)),
  constraint cases_agreed_sane check (agreed_minor >= 0),
  constraint cases_refunding_what_was_agreed check (status <> 'refunding' or agreed_minor > 0),
  constraint cases_postage_by_known check (postage_by in ('buyer', 'seller')),
  constraint cases_sent_back_numbered check (
    sent_back_at is null or (carrier <> '' and tracking_number <> '')),
  constraint cases_decided_by_somebody check ((decided_at is null) = (decided_by is null))
);
create unique index cases_one_open on cases (shop_id, order_id) where ended_at is null;
create index cases_open on cases (shop_id, asked_at) where ended_at is null;
create index cases_disputed on cases (escalated_at) where status = 'disputed';
alter table refunds add constraint refunds_of_case foreign key (shop_id, case_id)
  references cases (shop_id, case_id);

-- tenant: what each side said and showed, and every step; it only grows
create table case_events (
  shop_id  bigint      not null,
  case_id  uuid        not null,
  event_id uuid        not null,
  kind     text        not null,
  by_role  text        not null,
  words    text        not null default '',
  details  jsonb       not null default '{}',
  at       timestamptz not null,
  constraint case_events_pkey primary key (shop_id, case_id, event_id),
  constraint case_events_of_case foreign key (shop_id, case_id) references cases (shop_id, case_id),
  constraint case_events_role_known check (by_role in ('buyer', 'seller', 'operator', 'clock')),
  constraint case_events_words_bounded check (length(words) <= 2000)
);

-- tenant: photos as evidence: private files, streamed to the two sides and the operator only
create table case_photos (
  shop_id  bigint      not null,
  case_id  uuid        not null,
  photo_id uuid        not null,
  event_id uuid        not null,
  by_role  text        not null,
  file     text        not null,  -- hash of the private file
  at       timestamptz not null,
  constraint case_photos_pkey primary key (shop_id, case_id, photo_id),
  constraint case_photos_of_event foreign key (shop_id, case_id, event_id)
    references case_events (shop_id, case_id, event_id),
  constraint case_photos_file_named check (file ~ '^[0-9a-f]{64}$'),
  constraint case_photos_role_known check (by_role in ('buyer', 'seller', 'operator'))
);
revoke update, delete, truncate on case_events, case_photos from littleshop_app;

-- tenant: the buyer's bank takes a payment back (a chargeback)
create table chargebacks (
  shop_id        bigint      not null,
  chargeback_id  uuid        not null,
  payment_id     uuid        not null,
  order_id       uuid        not null,
  amount_minor   bigint      not null,
  unbooked_minor bigint      not null default 0,  -- of it, what had gone back already: our loss
  currency       text        not null,
  status         text        not null default 'open',
  opened_at      timestamptz not null,
  ended_at       timestamptz,
  constraint chargebacks_pkey primary key (shop_id, chargeback_id),
  constraint chargebacks_of_payment foreign key (shop_id, payment_id)
    references payments (shop_id, payment_id),
  constraint chargebacks_amount_positive check (amount_minor > 0),
  constraint chargebacks_unbooked_within check (unbooked_minor between 0 and amount_minor),
  constraint chargebacks_status_known check (status in ('open', 'won', 'lost')),
  constraint chargebacks_ended_dated check ((status = 'open') = (ended_at is null))
);
create unique index chargebacks_one_open on chargebacks (shop_id, payment_id) where status = 'open';

alter table order_events drop constraint order_events_role_known;
alter table order_events add constraint order_events_role_known check (
  by_role in ('buyer', 'seller', 'platform', 'operator', 'clock'));
alter table stock_movements drop constraint stock_movements_reason_known;
alter table stock_movements add constraint stock_movements_reason_known check (
  reason in ('received', 'counted', 'shipped', 'returned', 'damaged', 'exchanged'));
drop index stock_movements_once_per_order;  -- shipped once; taken back and exchanged per case
create unique index stock_movements_shipped_once on stock_movements (shop_id, order_id, variant_id)
  where order_id is not null and reason = 'shipped';
