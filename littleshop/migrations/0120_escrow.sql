-- Money that an institution holds at the seller's own sub-merchant account (psp_escrow).

-- tenant: a seller's admission at an institution; each asking has a reference of its own
create table admissions (
  shop_id      bigint      not null,
  admission_id uuid        not null,
  gateway      text        not null,
  reference    text        not null,
  card_id      uuid        not null,
  shop_name    text        not null,  -- as it was asked: a repeat says the same
  status       text        not null default 'asked',
  merchant_id  text,                  -- sub_mchid, smid
  sign_url     text,
  said         text        not null default '',
  asked_at     timestamptz not null,
  heard_at     timestamptz,           -- when the institution last said where it stands
  admitted_at  timestamptz,
  constraint admissions_pkey primary key (shop_id, admission_id),
  constraint admissions_of_card foreign key (shop_id, card_id) references cards (shop_id, card_id),
  constraint admissions_reference_once unique (shop_id, reference),
  constraint admissions_reference_form check (reference ~ '^[0-9A-Z]{20}$'),
  constraint admissions_status_known
    check (status in ('asked', 'signing', 'admitted', 'refused', 'replaced')),
  constraint admissions_admitted_named
    check ((status in ('admitted', 'replaced')) = (merchant_id is not null
                                                   and admitted_at is not null)),
  constraint admissions_signing_where check (status <> 'signing' or sign_url is not null)
);
create unique index admissions_one_open on admissions (shop_id, gateway)
  where status in ('asked', 'signing');
create unique index admissions_one_in_force on admissions (shop_id, gateway)
  where status = 'admitted';

-- whose sub-merchant account holds a payment; null: it came to the platform's own
alter table payments add column held_for text;

-- tenant: what an institution is to release of a payment that it holds, once the seller is owed it
create table releases (
  shop_id           bigint      not null,
  payment_id        uuid        not null,
  order_id          uuid        not null,
  gateway           text        not null,
  merchant_id       text        not null,
  status            text        not null default 'asked',
  share_reference   text        not null,  -- our commission; never the number of the release
  release_reference text        not null,
  currency          text        not null,
  share_minor       bigint,                -- fixed when it begins: commission and the rest
  rest_minor        bigint,
  released_minor    bigint,                -- what the institution says it released, less its fee
  said              text        not null default '',
  asked_at          timestamptz not null,
  not_before        timestamptz not null,
  begun_at          timestamptz,
  shared_at         timestamptz,
  done_at           timestamptz,
  constraint releases_pkey primary key (shop_id, payment_id),
  constraint releases_of_payment foreign key (shop_id, payment_id)
    references payments (shop_id, payment_id),
  constraint releases_share_reference_once unique (shop_id, share_reference),
  constraint releases_release_reference_once unique (shop_id, release_reference),
  constraint releases_references_form check (
    share_reference ~ '^[0-9A-Z]{20}$' and release_reference ~ '^[0-9A-Z]{20}$'),
  constraint releases_references_differ check (share_reference <> release_reference),
  constraint releases_status_known check (status in ('asked', 'begun', 'shared', 'done')),
  constraint releases_begun_with_sums check (
    (status = 'asked') = (begun_at is null)
    and (begun_at is null) = (share_minor is null or rest_minor is null)),
  constraint releases_sums_sane check (share_minor >= 0 and rest_minor >= 0
                                       and released_minor >= 0),
  constraint releases_shared_dated check ((status in ('shared', 'done')) = (shared_at is not null)),
  constraint releases_done_dated check (
    (status = 'done') = (done_at is not null and released_minor is not null))
);
create index releases_open on releases (asked_at) where status <> 'done';

-- a refund of what was released: our commission goes back first, and what the seller has not is
-- advanced by the platform
alter table refunds
  add column return_reference text,
  add column return_minor bigint,
  add column returned_at timestamptz,
  add column advanced_at timestamptz,
  add constraint refunds_return_whole check (
    (return_reference is null) = (return_minor is null)
    and (returned_at is null or return_reference is not null)),
  add constraint refunds_return_reference_form check (return_reference ~ '^[0-9A-Z]{20}$'),
  add constraint refunds_return_reference_once unique (shop_id, return_reference);
