-- tenant (all of shop 0): whose the money on the custody account is, as the bank was told it by
-- the end of a day (bank_custody); a later number of the same day takes the place of the one before
create table sub_ledgers (
  shop_id       bigint      not null,
  account       text        not null,
  day           date        not null,
  number        integer     not null,
  sha256        text        not null,
  content       text        not null,  -- the bytes: shop numbers and sums
  closing_minor bigint      not null,  -- the statement's, to which it sums
  made_at       timestamptz not null,
  taken_at      timestamptz,           -- the bank has it, and agrees
  constraint sub_ledgers_pkey primary key (shop_id, account, day, number),
  constraint sub_ledgers_of_the_platform check (shop_id = 0)
);

revoke delete, truncate on sub_ledgers from littleshop_app;
