-- Invitations to pay (docs/decisions/0038-invitations.md): a letter in which a seller names things
-- and prices to somebody. The uses are a claim of the same id; each use is an order of its own.
-- What became of it (seen, paid, expired) is read off its moments and its orders, never written twice.

-- tenant
create table invitations (
  shop_id       bigint      not null,
  invitation_id uuid        not null,  -- the form's own: a second press finds the first
  token_hash    bytea       not null,
  person_id     uuid        not null,  -- who writes
  to_name       text        not null default '',
  phone_sealed  bytea,                 -- to remind him by SMS; never shown
  words         text        not null default '',
  way           text        not null,  -- goods: by courier or fetched; none: nothing is handed over
  currency      text        not null,
  shipping_minor bigint     not null,
  uses          integer     not null,
  keeps         boolean     not null,  -- to hold its pieces while it is open: payable once only
  holding       boolean     not null default false,  -- they are held now
  ship_days     smallint,              -- what the seller promised, where it is not the usual
  hours         smallint    not null,  -- open for so long once it is sent
  wish_id       uuid,                  -- the wish that it answers
  status        text        not null default 'draft',
  created_at    timestamptz not null,
  sent_at       timestamptz,
  expires_at    timestamptz,
  seen_at       timestamptz,
  refused_at    timestamptz,           -- "not this time"; he may still change his mind
  amended_at    timestamptz,
  cancelled_at  timestamptz,
  reminded_at   timestamptz,
  reminders     smallint    not null default 0,
  constraint invitations_pkey primary key (shop_id, invitation_id),
  constraint invitations_of_shop foreign key (shop_id) references shops (shop_id),
  constraint invitations_token_once unique (shop_id, token_hash),
  constraint invitations_status_known check (status in ('draft', 'sent', 'cancelled')),
  constraint invitations_way_known check (way in ('goods', 'none')),
  constraint invitations_sent_dated check (
    (sent_at is null) = (expires_at is null) and (status <> 'sent' or sent_at is not null)
    and (status <> 'draft' or sent_at is null)),
  constraint invitations_cancelled_dated check ((status = 'cancelled') = (cancelled_at is not null)),
  constraint invitations_shipping_sane check (
    shipping_minor >= 0 and (way <> 'none' or shipping_minor = 0)),
  constraint invitations_uses_sane check (uses between 1 and 200),
  constraint invitations_keeps_for_one check (not keeps or uses = 1),
  constraint invitations_holding_when_open check (not holding or (keeps and status = 'sent')),
  constraint invitations_ship_days_sane check (ship_days between 1 and 15),
  constraint invitations_hours_sane check (hours between 1 and 720),
  constraint invitations_reminders_two check (reminders between 0 and 2),
  constraint invitations_words_length check (length(words) <= 600),
  constraint invitations_name_length check (length(to_name) <= 40)
) with (fillfactor = 80);
create index invitations_of_seller on invitations (shop_id, created_at desc);
create index invitations_by_wish on invitations (shop_id, wish_id) where wish_id is not null;

-- tenant: what it names, at the price between the two
create table invitation_lines (
  shop_id       bigint   not null,
  invitation_id uuid     not null,
  position      smallint not null,
  product_id    uuid     not null,
  variant_id    uuid     not null,
  quantity      integer  not null,
  unit_minor    bigint   not null,
  constraint invitation_lines_pkey primary key (shop_id, invitation_id, position),
  constraint invitation_lines_of_invitation foreign key (shop_id, invitation_id)
    references invitations (shop_id, invitation_id),
  constraint invitation_lines_of_variant foreign key (shop_id, variant_id)
    references variants (shop_id, variant_id),
  constraint invitation_lines_variant_once unique (shop_id, invitation_id, variant_id),
  constraint invitation_lines_sane check (quantity between 1 and 999 and unit_minor >= 0)
);
create index invitation_lines_by_variant on invitation_lines (shop_id, variant_id);

-- Nothing is handed over: the seller says that it is done.
alter table parcels drop constraint parcels_way_known,
  add constraint parcels_way_known check (way in ('courier', 'pickup', 'none'));
