-- A shop that is closed, or goes over to another person (docs/decisions/0053-leaving-a-shop.md).

-- tenant: when a shop was closed, and whether it opened again
create table shop_closings (
  shop_id     bigint      not null,
  closing_id  uuid        not null,
  closed_by   uuid        not null,
  closed_at   timestamptz not null,
  reopened_by uuid,
  reopened_at timestamptz,
  constraint shop_closings_pkey primary key (shop_id, closing_id),
  constraint shop_closings_of_shop foreign key (shop_id) references shops (shop_id),
  constraint shop_closings_reopened_by_somebody
    check ((reopened_at is null) = (reopened_by is null)),
  constraint shop_closings_reopened_later check (reopened_at >= closed_at)
);
create unique index shop_closings_one_in_force on shop_closings (shop_id)
  where reopened_at is null;
revoke delete, truncate on shop_closings from littleshop_app;

-- tenant: a shop that is offered to a phone, and what became of it; `owed_minor` is what was
-- released to who kept it until then: it is paid to his card (settlement/former.py)
create table handovers (
  shop_id        bigint      not null,
  handover_id    uuid        not null,
  token_hash     bytea       not null,
  objection_hash bytea       not null,
  from_person    uuid        not null,
  phone_index    bytea       not null,  -- blind index
  phone_sealed   bytea       not null,
  staff_stays    boolean     not null,
  asked_at       timestamptz not null,
  expires_at     timestamptz not null,
  status         text        not null default 'asked',
  ended_at       timestamptz,
  to_person      uuid,
  card_id        uuid,
  owed_minor     bigint      not null default 0,
  objected_at    timestamptz,
  constraint handovers_pkey primary key (shop_id, handover_id),
  constraint handovers_token_once unique (shop_id, token_hash),
  constraint handovers_objection_once unique (shop_id, objection_hash),
  constraint handovers_of_shop foreign key (shop_id) references shops (shop_id),
  constraint handovers_card_of_shop foreign key (shop_id, card_id) references cards (shop_id, card_id),
  constraint handovers_status_known
    check (status in ('asked', 'done', 'taken_back', 'refused')),
  constraint handovers_expires_later check (expires_at > asked_at),
  constraint handovers_ended_unless_asked check ((status = 'asked') = (ended_at is null)),
  constraint handovers_done_to_somebody check ((status = 'done') = (to_person is not null)),
  constraint handovers_to_another check (to_person <> from_person),
  constraint handovers_owed_to_a_card
    check (owed_minor >= 0 and (owed_minor = 0 or card_id is not null)),
  constraint handovers_owed_when_done check (status = 'done' or owed_minor = 0)
);
create unique index handovers_one_open on handovers (shop_id) where status = 'asked';
revoke delete, truncate on handovers from littleshop_app;

-- tenant: who was the legal person before a handover: the law asks for years whom we paid
create table former_merchants (
  shop_id          bigint      not null,
  handover_id      uuid        not null,
  name_sealed      bytea       not null,
  id_country       text        not null,
  id_kind          text        not null,
  id_number_sealed bytea       not null,
  id_number_index  bytea       not null,
  birth_year       integer     not null,
  consent_at       timestamptz not null,
  consent_purpose  text        not null,
  verdict          text        not null,
  verified_at      timestamptz,
  until_at         timestamptz not null,
  constraint former_merchants_pkey primary key (shop_id, handover_id),
  constraint former_merchants_of_handover
    foreign key (shop_id, handover_id) references handovers (shop_id, handover_id)
);
revoke update, delete, truncate on former_merchants from littleshop_app;
