-- Shops, their legal person, bank card and staff.

create sequence shop_numbers as bigint start with 1;

-- tenant: the platform is shop 0
create table shops (
  shop_id                  bigint      not null,
  name                     text        not null default '',
  line                     text        not null default '',
  picture                  text,                              -- file name under /files
  awning                   text        not null default 'sea',
  slug                     text,                              -- the current one; older ones stay in slugs
  currency                 text        not null default 'CNY',
  locale                   text        not null,
  zone                     text        not null default 'Asia/Shanghai',
  status                   text        not null default 'opening',
  version                  bigint      not null default 1,    -- moves when a visitor could see it
  pricing_version          bigint      not null default 1,    -- moves when a price or fee changes
  shipping_flat_minor      bigint      not null default 0,
  shipping_free_over_minor bigint,
  pickup_place             text,             -- where goods are handed over; null: not offered
  commission_bps           integer     not null default 0,
  direct_settlement        boolean     not null default false,
  brought_by_shop_id       bigint,
  brought_by_share         text,
  brought_by_product_id    uuid,
  created_at               timestamptz not null,
  opened_at                timestamptz,
  constraint shops_pkey primary key (shop_id),
  constraint shops_id_is_not_negative check (shop_id >= 0),
  constraint shops_status_known check (status in ('opening', 'open', 'paused', 'closed')),
  constraint shops_awning_known
    check (awning in ('sea', 'moss', 'clay', 'straw', 'plum', 'dusk')),
  constraint shops_named_once_open
    check (status = 'opening' or shop_id = 0 or (name <> '' and slug is not null)),
  constraint shops_opened_at_when_open check (status = 'opening' or opened_at is not null),
  constraint shops_slug_shape check (slug ~ '^[a-z0-9](-?[a-z0-9]){2,29}$'),
  constraint shops_name_length check (length(name) <= 60),
  constraint shops_line_length check (length(line) <= 140),
  constraint shops_currency_is_iso check (currency ~ '^[A-Z]{3}$'),
  constraint shops_shipping_sane
    check (shipping_flat_minor between 0 and 100000000
           and (shipping_free_over_minor is null
                or shipping_free_over_minor between 1 and 100000000000)),
  constraint shops_commission_sane check (commission_bps between 0 and 10000),
  constraint shops_version_positive check (version > 0 and pricing_version > 0)
);

insert into shops (shop_id, name, locale, status, created_at, opened_at)
values (0, 'littleshop', 'zh-CN', 'open', timestamptz '2026-01-01 00:00:00+00',
        timestamptz '2026-01-01 00:00:00+00');

-- own-key: the address of a shop's page
create table slugs (
  slug     text        not null,
  shop_id  bigint      not null,
  taken_at timestamptz not null,
  kept_at  timestamptz,           -- null: taken by an opening that may never have arrived
  constraint slugs_pkey primary key (slug),
  constraint slugs_shape check (slug ~ '^[a-z0-9](-?[a-z0-9]){2,29}$')
);
create index slugs_unkept on slugs (taken_at) where kept_at is null;

-- own-key: an opening on its way; one unfinished per person, so a double click makes one shop
create table openings (
  person_id             uuid        not null,
  shop_id               bigint      not null,
  path                  text        not null,
  locale                text        not null,
  brought_by_shop_id    bigint,
  brought_by_share      text,
  brought_by_product_id uuid,
  begun_at              timestamptz not null,
  identity_skipped_at   timestamptz,
  card_skipped_at       timestamptz,
  finished_at           timestamptz,
  constraint openings_pkey primary key (person_id, shop_id),
  constraint openings_path_known check (path in ('front', 'viral'))
);
create unique index openings_one_unfinished on openings (person_id) where finished_at is null;

-- own-key: which shops a person works in; filled after staff, may lag
create table person_shops (
  person_id uuid        not null,
  shop_id   bigint      not null,
  role      text        not null,
  added_at  timestamptz not null,
  constraint person_shops_pkey primary key (person_id, shop_id),
  constraint person_shops_role_known check (role in ('owner', 'clerk'))
);

-- tenant
create table staff (
  shop_id   bigint      not null,
  person_id uuid        not null,
  role      text        not null,
  added_at  timestamptz not null,
  constraint staff_pkey primary key (shop_id, person_id),
  constraint staff_of_shop foreign key (shop_id) references shops (shop_id),
  constraint staff_role_known check (role in ('owner', 'clerk'))
);
create unique index staff_one_owner on staff (shop_id) where role = 'owner';

-- tenant: the legal person behind a shop; name and number sealed, the number also indexed
create table merchants (
  shop_id         bigint      not null,
  name_sealed     bytea       not null,
  id_country      text        not null,
  id_kind         text        not null,
  id_number_sealed bytea      not null,
  id_number_index bytea       not null,
  birth_year      integer     not null,
  consent_at      timestamptz not null,
  consent_purpose text        not null,
  check_id        uuid        not null,  -- our id of the question put to the verifier
  verdict         text        not null,
  reason          text        not null default '',
  asked_at        timestamptz not null,
  verified_at     timestamptz,
  constraint merchants_pkey primary key (shop_id),
  constraint merchants_of_shop foreign key (shop_id) references shops (shop_id),
  constraint merchants_verdict_known check (verdict in ('asked', 'matched', 'mismatched')),
  constraint merchants_verified_when_matched
    check ((verdict = 'matched') = (verified_at is not null)),
  constraint merchants_consent_purpose_said check (length(consent_purpose) > 0),
  constraint merchants_birth_year_sane check (birth_year between 1880 and 2200)
);

-- tenant: where the money goes; one active per shop, older ones stay for the payouts they took
create table cards (
  shop_id       bigint      not null,
  card_id       uuid        not null,
  number_sealed bytea       not null,
  number_index  bytea       not null,
  tail          text        not null,
  bank_code     text        not null,
  kind          text        not null,
  holder_sealed bytea       not null,
  phone_sealed  bytea       not null,
  active        boolean     not null,
  verdict       text        not null,
  reason        text        not null default '',
  asked_at      timestamptz not null,
  verified_at   timestamptz,
  constraint cards_pkey primary key (shop_id, card_id),
  constraint cards_of_shop foreign key (shop_id) references shops (shop_id),
  constraint cards_tail_is_four_digits check (tail ~ '^[0-9]{4}$'),
  constraint cards_no_credit check (kind = 'debit'),
  constraint cards_verdict_known check (verdict in ('asked', 'matched', 'mismatched')),
  constraint cards_verified_when_matched
    check ((verdict = 'matched') = (verified_at is not null))
);
create unique index cards_one_active on cards (shop_id) where active;
