-- A rail without bills is asked about every payment and refund of a day, one by one.

-- tenant (all of shop 0): what is asked about, and what the rail said
create table bill_questions (
  shop_id           bigint      not null,
  gateway           text        not null,
  day               date        not null,
  reference         text        not null,  -- the payment's or the refund's own
  payment_reference text        not null,
  kind              text        not null,
  of_shop_id        bigint      not null,
  moved_at          timestamptz not null,  -- by our books; of an attempt, when it began
  tries             integer     not null default 0,
  ask_at            timestamptz not null,
  answered_at       timestamptz,
  state             text        not null default '',
  amount_minor      bigint,                -- what it took or sent back; null: nothing
  currency          text,
  gateway_trade_no  text        not null default '',
  constraint bill_questions_pkey primary key (shop_id, gateway, day, reference),
  constraint bill_questions_of_the_platform check (shop_id = 0),
  constraint bill_questions_kind_known check (kind in ('payment', 'refund')),
  constraint bill_questions_answered_whole check ((answered_at is null) = (state = ''))
);
create index bill_questions_open on bill_questions (shop_id, gateway, ask_at)
  where answered_at is null;
revoke delete, truncate on bill_questions from littleshop_app;
