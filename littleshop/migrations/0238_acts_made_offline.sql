-- What a seller did where there was no signal, and the first answer to it.

-- tenant: the key is the act's; the same key with other content is a conflict
create table offline_acts (
  shop_id      bigint      not null,
  act_id       uuid        not null,   -- made on the phone
  person_id    uuid        not null,
  kind         text        not null,
  content_hash bytea       not null,
  answer       jsonb       not null,
  answered_at  timestamptz not null,
  constraint offline_acts_pkey primary key (shop_id, act_id),
  constraint offline_acts_of_shop foreign key (shop_id) references shops (shop_id),
  constraint offline_acts_kind_known check (kind in ('ship', 'price', 'stock')),
  constraint offline_acts_hash_is_32_bytes check (length(content_hash) = 32)
);
create index offline_acts_by_age on offline_acts (shop_id, answered_at);
