-- The rails' own accounts of their days, held against our books.

-- tenant (all of shop 0): a rail's bill of one of its days that was read
create table bills (
  shop_id    bigint      not null,
  gateway    text        not null,
  day        date        not null,
  sha256     text        not null,
  row_count  integer     not null,
  read_at    timestamptz not null,
  compared_at timestamptz,            -- every row and every movement of ours was looked at
  constraint bills_pkey primary key (shop_id, gateway, day),
  constraint bills_of_the_platform check (shop_id = 0)
);

-- tenant (all of shop 0): its rows
create table bill_rows (
  shop_id          bigint      not null,
  gateway          text        not null,
  day              date        not null,
  position         integer     not null,
  kind             text        not null,
  reference        text        not null,
  refund_reference text,
  gateway_trade_no text        not null,
  amount_minor     bigint      not null,
  fee_minor        bigint      not null,
  currency         text        not null,
  at               timestamptz not null,
  constraint bill_rows_pkey primary key (shop_id, gateway, day, position),
  constraint bill_rows_of_bill foreign key (shop_id, gateway, day)
    references bills (shop_id, gateway, day),
  constraint bill_rows_of_the_platform check (shop_id = 0),
  constraint bill_rows_kind_known check (kind in ('payment', 'refund')),
  constraint bill_rows_amount_positive check (amount_minor > 0)
);
create index bill_rows_by_reference on bill_rows (shop_id, gateway, reference);

-- tenant (all of shop 0): where the two do not agree; each is explained by somebody, or by itself
create table differences (
  shop_id       bigint      not null,
  difference_id uuid        not null,
  gateway       text        not null,
  day           date        not null,
  kind          text        not null,
  reference     text        not null,
  of_shop_id    bigint,                -- whose payment it is, when it is one of ours
  ours_minor    bigint,
  theirs_minor  bigint,
  currency      text        not null,
  words         text        not null default '',  -- a row that could not be read
  found_at      timestamptz not null,
  explained_at  timestamptz,
  explained_by  text        not null default '',  -- a person, or 'books' when they agree now
  why           text        not null default '',
  constraint differences_pkey primary key (shop_id, difference_id),
  constraint differences_of_the_platform check (shop_id = 0),
  constraint differences_kind_known check (
    kind in ('missing_here', 'missing_there', 'amount_differs', 'unread')),
  constraint differences_explained_by_somebody check (
    (explained_at is null) = (explained_by = '' and why = ''))
);
create index differences_open on differences (shop_id, day) where explained_at is null;

-- tenant (all of shop 0): a day of all rails and the bank that is explained to the end
create table closed_days (
  shop_id   bigint      not null,
  day       date        not null,
  closed_by text        not null,
  closed_at timestamptz not null,
  constraint closed_days_pkey primary key (shop_id, day),
  constraint closed_days_of_the_platform check (shop_id = 0)
);
revoke delete, truncate on bills, bill_rows, differences from littleshop_app;
revoke update, delete, truncate on closed_days from littleshop_app;
