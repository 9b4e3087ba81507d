-- A code belongs to the browser that asked for it; a payout card can be changed, and what would go
-- to the new one waits.

alter table codes
  add column browser    bytea,  -- hash of the asking browser's cookie; null: asked before we kept it
  add column asked_from bytea,  -- its address under our key
  add column proven     boolean not null default false,  -- it had typed a code of this phone before
  add constraint codes_browser_is_32_bytes check (length(browser) = 32),
  add constraint codes_asked_from_is_32_bytes check (length(asked_from) = 32);

drop index codes_one_live_per_purpose;
create unique index codes_one_live_per_browser on codes (phone_index, browser, purpose)
  where spent_at is null;

-- own-key: browsers that once typed a code of this phone rightly
create table phone_browsers (
  phone_index bytea       not null,
  browser     bytea       not null,
  proven_at   timestamptz not null,  -- the last time
  constraint phone_browsers_pkey primary key (phone_index, browser),
  constraint phone_browsers_browser_is_32_bytes check (length(browser) = 32)
);
create index phone_browsers_by_age on phone_browsers (proven_at);

-- tenant: the wish to be paid to another card, from the owner's asking to the verifier's answer
create table card_changes (
  shop_id       bigint      not null,
  card_id       uuid        not null,  -- the new card, and our id of the question to the verifier
  before_id     uuid        not null,  -- the card it takes the place of
  person_id     uuid        not null,  -- who asked
  objection_hash bytea      not null,  -- of the token in the word to both phones
  status        text        not null default 'asked',
  reason        text        not null default '',  -- why it was refused
  asked_at      timestamptz not null,
  answered_at   timestamptz,
  objected_at   timestamptz,           -- somebody who got the word said: not me
  constraint card_changes_pkey primary key (shop_id, card_id),
  constraint card_changes_to_card
    foreign key (shop_id, card_id) references cards (shop_id, card_id),
  constraint card_changes_from_card
    foreign key (shop_id, before_id) references cards (shop_id, card_id),
  constraint card_changes_of_a_card_to_another check (card_id <> before_id),
  constraint card_changes_objection_once unique (shop_id, objection_hash),
  constraint card_changes_objection_is_32_bytes check (length(objection_hash) = 32),
  constraint card_changes_status_known check (status in ('asked', 'done', 'refused')),
  constraint card_changes_refused_with_reason check ((status = 'refused') = (reason <> '')),
  constraint card_changes_answered check ((status = 'asked') = (answered_at is null)),
  constraint card_changes_objected_when_done check (objected_at is null or status = 'done')
);
create unique index card_changes_one_asked on card_changes (shop_id) where status = 'asked';

-- tenant: why nothing is paid out to a shop for a while; what is owed stays in its balance
create table payout_holds (
  shop_id   bigint      not null,
  hold_id   uuid        not null,  -- derived from its cause: a repeat finds itself
  kind      text        not null,
  reason    text        not null default '',  -- for the operator
  from_at   timestamptz not null,
  until_at  timestamptz,           -- null: until somebody lifts it
  lifted_at timestamptz,
  lifted_by uuid,                  -- the operator
  constraint payout_holds_pkey primary key (shop_id, hold_id),
  constraint payout_holds_of_shop foreign key (shop_id) references shops (shop_id),
  constraint payout_holds_kind_known check (kind in ('card_changed', 'not_me')),
  constraint payout_holds_end_after_their_beginning check (until_at > from_at),
  constraint payout_holds_objection_waits_for_a_person
    check (kind <> 'not_me' or until_at is null),
  constraint payout_holds_lifted_by_somebody check ((lifted_at is null) = (lifted_by is null))
);
create index payout_holds_open on payout_holds (shop_id, from_at) where lifted_at is null;

-- Who changed where the money goes, and what kept it back, is never forgotten.
revoke delete, truncate on card_changes, payout_holds from littleshop_app;
