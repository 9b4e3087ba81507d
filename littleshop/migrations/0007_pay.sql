-- Money in and back over the rails. tenant tables, unless said otherwise.

create table payments (
  shop_id          bigint      not null,
  payment_id       uuid        not null,
  order_id         uuid        not null,
  gateway          text        not null,
  method           text        not null,
  reference        text        not null,
  amount_minor     bigint      not null,
  currency         text        not null,
  status           text        not null default 'asked',
  outcome          text,
  paid_minor       bigint,
  gateway_trade_no text,
  code_url         text,
  asked_at         timestamptz not null,
  expires_at       timestamptz not null,
  queried_at       timestamptz,
  paid_at          timestamptz,
  constraint payments_pkey primary key (shop_id, payment_id),
  constraint payments_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint payments_reference_once unique (shop_id, reference),
  constraint payments_amount_positive check (amount_minor > 0),
  constraint payments_status_known check (status in ('asked', 'paid', 'closed')),
  constraint payments_method_known check (method in ('wap', 'page', 'qr')),
  constraint payments_reference_form check (reference ~ '^[0-9A-Z]{20}$'),
  constraint payments_outcome_of_paid check (
    (status = 'paid') = (outcome is not null and paid_minor is not null and paid_at is not null)),
  constraint payments_outcome_known check (outcome in ('accepted', 'returned')),
  constraint payments_accepted_exactly check (outcome <> 'accepted' or paid_minor = amount_minor)
);
create unique index payments_one_accepted on payments (shop_id, order_id)
  where outcome = 'accepted';
create index payments_of_order_index on payments (shop_id, order_id);
create index payments_open on payments (expires_at) where status = 'asked';

create table refunds (
  shop_id      bigint      not null,
  refund_id    uuid        not null,
  payment_id   uuid        not null,
  order_id     uuid        not null,
  reference    text        not null,
  amount_minor bigint      not null,
  currency     text        not null,
  reason       text        not null,
  paid_from    text        not null,  -- the account the money leaves: escrow or suspense
  status       text        not null default 'asked',
  asked_at     timestamptz not null,
  done_at      timestamptz,
  constraint refunds_pkey primary key (shop_id, refund_id),
  constraint refunds_of_payment foreign key (shop_id, payment_id)
    references payments (shop_id, payment_id),
  constraint refunds_reference_once unique (shop_id, reference),
  constraint refunds_reference_form check (reference ~ '^[0-9A-Z]{20}$'),
  constraint refunds_amount_positive check (amount_minor > 0),
  constraint refunds_source_known check (paid_from in ('escrow', 'suspense')),
  constraint refunds_status_known check (status in ('asked', 'done')),
  constraint refunds_done_dated check ((status = 'done') = (done_at is not null))
);
create unique index refunds_full_once on refunds (shop_id, payment_id, reason);

-- own-key: what a rail pushed, stored once before anything is done about it
create table notices (
  gateway     text        not null,
  notice_id   text        not null,
  reference   text        not null,
  kind        text        not null,
  fields      jsonb       not null,
  raw_sealed  bytea       not null,  -- as it came, with whatever it says of the buyer
  received_at timestamptz not null,
  handled_at  timestamptz,
  constraint notices_pkey primary key (gateway, notice_id)
);
create index notices_handled on notices (handled_at) where handled_at is not null;

-- own-key: whose payment a reference is; written before the wire call
create table payment_references (
  reference  text   not null,
  shop_id    bigint not null,
  payment_id uuid   not null,
  constraint payment_references_pkey primary key (reference)
);
