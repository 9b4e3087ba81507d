-- Who somebody is: a phone that answered a code, and the devices signed in. own-key tables.

-- own-key: a person is found by the blind index of the phone; the phone itself is sealed
create table people (
  person_id    uuid        not null,
  phone_index  bytea       not null,
  phone_sealed bytea       not null,
  country      text        not null,  -- ISO 3166, of the phone
  locale       text        not null,
  created_at   timestamptz not null,
  constraint people_pkey primary key (phone_index),
  constraint people_index_is_32_bytes check (length(phone_index) = 32),
  constraint people_country_is_iso check (country ~ '^[A-Z]{2}$')
);
create index people_by_id on people (person_id);

-- own-key: one row per phone that ever asked for a code; locked while its codes are counted
create table code_phones (
  phone_index    bytea       not null,
  first_asked_at timestamptz not null,
  constraint code_phones_pkey primary key (phone_index)
);

-- own-key: codes asked for; kept two days, because the hour and the day are counted from them
create table codes (
  phone_index  bytea       not null,
  code_id      uuid        not null,
  purpose      text        not null,
  code_hash    bytea       not null,  -- under our key; the code itself is nowhere
  phone_sealed bytea       not null,
  locale       text        not null,
  asked_at     timestamptz not null,
  expires_at   timestamptz not null,
  tries        integer     not null default 0,
  spent_at     timestamptz,           -- used, or replaced by a newer code
  sent_at      timestamptz,
  constraint codes_pkey primary key (phone_index, code_id),
  constraint codes_hash_is_32_bytes check (length(code_hash) = 32),
  constraint codes_five_tries check (tries between 0 and 5),
  constraint codes_expire_after_asking check (expires_at > asked_at),
  constraint codes_purpose_said check (length(purpose) > 0)
);
create unique index codes_one_live_per_purpose on codes (phone_index, purpose)
  where spent_at is null;
create index codes_by_age on codes (asked_at);

-- own-key: a signed-in device, found by the hash of its cookie
create table sessions (
  token_hash bytea       not null,
  session_id uuid        not null,  -- what a page may name when it ends one
  person_id  uuid        not null,
  device     text        not null,
  created_at timestamptz not null,
  seen_at    timestamptz not null,
  expires_at timestamptz not null,
  ended_at   timestamptz,
  constraint sessions_pkey primary key (token_hash),
  constraint sessions_hash_is_32_bytes check (length(token_hash) = 32),
  constraint sessions_expire_after_seen check (expires_at > seen_at)
);
create index sessions_by_person on sessions (person_id);
create index sessions_by_expiry on sessions (expires_at);
