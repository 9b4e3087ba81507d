-- Who runs the platform, and the log of what they did at their desk.

-- own-key: an operator; the secret of the second factor is sealed
create table operators (
  person_id    uuid        not null,
  totp_sealed  bytea       not null,
  used_step    bigint      not null default 0,  -- of the last code that was taken: none is taken twice
  added_at     timestamptz not null,
  confirmed_at timestamptz,                     -- the first right code
  removed_at   timestamptz,
  constraint operators_pkey primary key (person_id),
  constraint operators_removed_after_added check (removed_at >= added_at)
);

-- own-key: a signed-in device whose person has shown the second factor, for some hours
create table operator_sessions (
  token_hash bytea       not null,  -- of the device's session
  person_id  uuid        not null,
  proven_at  timestamptz not null,
  ends_at    timestamptz not null,
  constraint operator_sessions_pkey primary key (token_hash),
  constraint operator_sessions_hash_is_32_bytes check (length(token_hash) = 32),
  constraint operator_sessions_end_after_proven check (ends_at > proven_at)
);
create index operator_sessions_by_person on operator_sessions (person_id);
create index operator_sessions_by_end on operator_sessions (ends_at);

-- local: what an operator did and why; it only grows, and each row holds the hash of the one before
create table acts (
  number      bigint      not null,
  operator_id uuid,                  -- null: on the command line
  kind        text        not null,
  subject     text        not null,  -- what it was done to: hold/..., rail/alipay, shop/1001
  of_shop_id  bigint,
  reason      text        not null,
  details     text        not null,  -- JSON, letter for letter as it was hashed
  at          timestamptz not null,
  previous    bytea       not null,
  hash        bytea       not null,
  constraint acts_pkey primary key (number),
  constraint acts_follow_one_another unique (previous),
  constraint acts_number_from_one check (number > 0),
  constraint acts_have_a_reason check (reason <> '' or kind = 'signed_in'),
  constraint acts_hashes_are_32_bytes check (length(previous) = 32 and length(hash) = 32)
);
create index acts_of_subject on acts (subject, number);
create index acts_of_shop on acts (of_shop_id, number) where of_shop_id is not null;

-- local: where the log ends; locked while it grows, so that two who act at once cannot fork it
create table act_heads (
  name   text   not null,
  number bigint not null,
  hash   bytea  not null,
  constraint act_heads_pkey primary key (name),
  constraint act_heads_only_one check (name = 'acts'),
  constraint act_heads_hash_is_32_bytes check (length(hash) = 32)
);
insert into act_heads (name, number, hash) values ('acts', 0, decode(repeat('00', 32), 'hex'));

revoke delete, truncate on operators from littleshop_app;
revoke update, delete, truncate on acts from littleshop_app;
revoke insert, delete, truncate on act_heads from littleshop_app;

-- An operator holds a shop's payouts, and says why.
alter table payout_holds drop constraint payout_holds_kind_known;
alter table payout_holds add constraint payout_holds_kind_known check (
  kind in ('card_changed', 'not_me', 'operator'));
alter table payout_holds add constraint payout_holds_operator_says_why check (
  kind <> 'operator' or (reason <> '' and until_at is null));
create index payout_holds_of_all on payout_holds (from_at) where lifted_at is null;
create index cases_decided on cases (decided_at) where decided_at is not null;

-- How a rail does: when it last told us something, and what of it waits.
create index notices_latest on notices (gateway, received_at);
create index notices_unread on notices (gateway) where handled_at is null;
