-- Money to sellers: one run per business day, a payout per shop and run, and what the bank says.

-- tenant (all of shop 0): a run and when each of its steps was done for everything in it
create table runs (
  shop_id     bigint      not null,
  run_id      uuid        not null,
  run_on      date        not null,
  counts_before date      not null,  -- it pays what has an earlier value date
  calendar    text        not null,  -- by which working days that was decided
  opened_at   timestamptz not null,
  made_at     timestamptz,           -- every shop was looked at
  funded_at   timestamptz,           -- no payout waits for the rail's money
  written_at  timestamptz,           -- every payout stands in a file
  sent_at     timestamptz,           -- the bank has every file
  answered_at timestamptz,           -- pain.002 is final for all of them
  read_at     timestamptz,           -- camt.053 says how each of them ended
  closed_at   timestamptz,           -- and the books were proved after it
  constraint runs_pkey primary key (shop_id, run_id),
  constraint runs_of_the_platform check (shop_id = 0),
  constraint runs_once_a_day unique (shop_id, run_on)
);
create index runs_open on runs (shop_id, run_on) where closed_at is null;

-- tenant
create table payouts (
  shop_id       bigint      not null,
  payout_id     uuid        not null,  -- derived from run and shop
  run_id        uuid        not null,
  run_on        date        not null,
  counts_before date        not null,  -- the run's, so that its lines are told apart for ever
  reference     text        not null,  -- EndToEndId at the bank
  amount_minor  bigint      not null,
  currency      text        not null,
  card_id       uuid        not null,
  bank_code     text        not null,
  tail          text        not null,
  status        text        not null default 'asked',
  need_minor    bigint,                -- what of it the rail's money must bring; null: not asked yet
  bank_says     text        not null default '',  -- the last code of pain.002
  reason        text        not null default '',  -- why it was rejected or returned
  paid_entry    text,                  -- the statement's entries that moved it
  return_entry  text,
  asked_at      timestamptz not null,
  funded_at     timestamptz,
  sent_at       timestamptz,
  arrives_on    date,
  done_at       timestamptz,
  back_at       timestamptz,
  given_back_at timestamptz,           -- shop 0 has back what it gave for a rejected payout
  constraint payouts_pkey primary key (shop_id, payout_id),
  constraint payouts_one_per_run unique (shop_id, run_id),
  constraint payouts_reference_once unique (shop_id, reference),
  constraint payouts_to_card foreign key (shop_id, card_id) references cards (shop_id, card_id),
  constraint payouts_reference_form check (reference ~ '^[0-9A-Z]{20}$'),
  constraint payouts_amount_positive check (amount_minor > 0),
  constraint payouts_need_within_amount check (need_minor between 0 and amount_minor),
  constraint payouts_currency_of_the_bank check (currency = 'CNY'),
  constraint payouts_status_known
    check (status in ('asked', 'funded', 'sent', 'done', 'rejected', 'returned')),
  constraint payouts_funded_before_sent
    check (status = 'asked' or (funded_at is not null and need_minor is not null)),
  constraint payouts_done_by_an_entry
    check ((status in ('done', 'returned')) = (done_at is not null and paid_entry is not null)),
  constraint payouts_returned_by_an_entry
    check ((status = 'returned') = (return_entry is not null)),
  constraint payouts_back_with_reason
    check ((status in ('rejected', 'returned')) = (back_at is not null and reason <> ''))
);
create index payouts_of_run on payouts (run_id);
create index payouts_by_reference on payouts (reference);

-- tenant (all of shop 0): a pain.001; its bytes come of the batch, which holds names and cards
create table bank_files (
  shop_id      bigint      not null,
  message_id   text        not null,
  run_id       uuid        not null,
  number       integer     not null,
  execute_on   date        not null,
  sha256       text        not null,
  batch_sealed bytea       not null,
  payout_references text[] not null,
  written_at   timestamptz not null,
  sent_at      timestamptz,
  answered_at  timestamptz,
  fault        text        not null default '',  -- what the last attempt to hand it in met
  constraint bank_files_pkey primary key (shop_id, message_id),
  constraint bank_files_of_the_platform check (shop_id = 0),
  constraint bank_files_of_run foreign key (shop_id, run_id) references runs (shop_id, run_id),
  constraint bank_files_numbered unique (shop_id, run_id, number),
  constraint bank_files_pay_somebody check (cardinality(payout_references) > 0),
  constraint bank_files_answered_after_sent check (answered_at is null or sent_at is not null)
);

-- tenant (all of shop 0): a camt.053 that was read
create table bank_statements (
  shop_id       bigint      not null,
  account       text        not null,  -- our own
  statement_id  text        not null,
  day           date        not null,
  opening_minor bigint,
  closing_minor bigint,
  is_first      boolean     not null,  -- its opening balance was there before our books
  read_at       timestamptz not null,
  constraint bank_statements_pkey primary key (shop_id, account, statement_id),
  constraint bank_statements_of_the_platform check (shop_id = 0)
);
create unique index bank_statements_one_first on bank_statements (shop_id, account)
  where is_first;

-- tenant (all of shop 0): every movement the bank told, once; without an outcome it waits
create table bank_entries (
  shop_id      bigint      not null,
  account      text        not null,
  entry_key    text        not null,
  statement_id text        not null,
  position     integer     not null,
  direction    text        not null,
  amount_minor bigint      not null,
  currency     text        not null,
  booked_on    date        not null,
  value_on     date        not null,
  reference    text,
  returned     boolean     not null,
  reason       text,
  words        text        not null,  -- of strangers' money; a seller's name is not kept here
  outcome      text,
  waits        text        not null default '',
  read_at      timestamptz not null,
  booked_at    timestamptz,
  constraint bank_entries_pkey primary key (shop_id, account, entry_key),
  constraint bank_entries_of_the_platform check (shop_id = 0),
  constraint bank_entries_direction_known check (direction in ('debit', 'credit')),
  constraint bank_entries_amount_positive check (amount_minor > 0),
  constraint bank_entries_outcome_known
    check (outcome in ('paid_out', 'returned', 'lump', 'taken')),
  constraint bank_entries_booked_with_outcome check ((outcome is null) = (booked_at is null))
);
create index bank_entries_waiting on bank_entries (shop_id, booked_on) where outcome is null;

-- What was paid and what the bank said is never forgotten.
revoke delete, truncate on runs, payouts, bank_files, bank_statements, bank_entries
  from littleshop_app;
