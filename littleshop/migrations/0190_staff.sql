-- Who works in a shop beside its owner, how they are asked in, and who did what
-- (docs/decisions/0047-staff.md).

alter table staff drop constraint staff_role_known;
alter table person_shops drop constraint person_shops_role_known;
update staff set role = 'manager' where role = 'clerk';
update person_shops set role = 'manager' where role = 'clerk';
alter table staff add constraint staff_role_known
  check (role in ('owner', 'manager', 'packer', 'bookkeeper')) not valid;
alter table person_shops add constraint person_shops_role_known
  check (role in ('owner', 'manager', 'packer', 'bookkeeper')) not valid;

-- tenant: a phone that was asked in; the link shows, a code to that phone acts
create table staff_invitations (
  shop_id       bigint      not null,
  invitation_id uuid        not null,
  token_hash    bytea       not null,
  phone_index   bytea       not null,  -- blind index
  phone_sealed  bytea       not null,
  role          text        not null,
  invited_by    uuid        not null,
  invited_at    timestamptz not null,
  expires_at    timestamptz not null,
  ended_at      timestamptz,           -- taken, or taken back
  taken         boolean     not null default false,
  constraint staff_invitations_pkey primary key (shop_id, invitation_id),
  constraint staff_invitations_token_once unique (shop_id, token_hash),
  constraint staff_invitations_of_shop foreign key (shop_id) references shops (shop_id),
  constraint staff_invitations_role_known check (role in ('manager', 'packer', 'bookkeeper')),
  constraint staff_invitations_expires_later check (expires_at > invited_at),
  constraint staff_invitations_taken_ends check (not taken or ended_at is not null)
);
create unique index staff_invitations_one_open on staff_invitations (shop_id, phone_index)
  where ended_at is null;

-- tenant: who did what when; it only grows
create table shop_acts (
  shop_id   bigint      not null,
  act_id    uuid        not null,
  person_id uuid        not null,
  kind      text        not null,
  subject   text        not null default '',  -- what it was done to: an id or a number
  facts     jsonb       not null,
  done_at   timestamptz not null,
  constraint shop_acts_pkey primary key (shop_id, act_id),
  constraint shop_acts_of_shop foreign key (shop_id) references shops (shop_id)
);
create index shop_acts_newest on shop_acts (shop_id, done_at desc, act_id desc);
create index shop_acts_subject on shop_acts (shop_id, kind, subject);
revoke update, delete, truncate on shop_acts from littleshop_app;
