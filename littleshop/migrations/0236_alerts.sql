-- Word to a seller that climbs from channel to channel until somebody has seen it.

-- tenant: something somebody in the shop should see; `rung` is the next channel to try
create table alerts (
  shop_id   bigint      not null,
  alert_id  uuid        not null,   -- derived from what it is about: a repeat finds itself
  about     text        not null,   -- which text says it
  subject   text        not null,   -- the order or conversation that shows it
  facts     jsonb       not null,
  raised_at timestamptz not null,
  rung      integer     not null default 0,
  told_by   text,                   -- the channel that was tried last, and when
  told_at   timestamptz,
  seen_at   timestamptz,
  seen_by   uuid,
  constraint alerts_pkey primary key (shop_id, alert_id),
  constraint alerts_of_shop foreign key (shop_id) references shops (shop_id),
  constraint alerts_about_said check (about <> '' and subject <> ''),
  constraint alerts_rung_sane check (rung between 0 and 9),
  constraint alerts_told_somehow check ((told_by is null) = (told_at is null)),
  constraint alerts_seen_by_somebody check (seen_at is not null or seen_by is null)
);
create index alerts_unseen on alerts (shop_id, raised_at) where seen_at is null;
create index alerts_told on alerts (shop_id, told_at) where told_at is not null;

-- tenant: how somebody wants to be reached about a shop; without a row all is on that can be
create table alert_ways (
  shop_id       bigint      not null,
  person_id     uuid        not null,
  push          boolean     not null,
  wechat        boolean     not null,
  sms           boolean     not null,
  email         boolean     not null,
  quiet_from    smallint,           -- hours of the shop's day in which nothing rings; null: none
  quiet_until   smallint,
  second_person uuid,               -- who is told when the owner does not look
  openid_sealed bytea,              -- who he is to the official account
  email_sealed  bytea,
  email_ok_at   timestamptz,        -- he showed that the address is his
  changed_at    timestamptz not null,
  constraint alert_ways_pkey primary key (shop_id, person_id),
  constraint alert_ways_of_shop foreign key (shop_id) references shops (shop_id),
  constraint alert_ways_hours check (quiet_from between 0 and 23 and quiet_until between 0 and 23),
  constraint alert_ways_quiet_has_both check ((quiet_from is null) = (quiet_until is null)),
  constraint alert_ways_email_proven check (email_ok_at is null or email_sealed is not null)
);

alter table messages add column address_sealed bytea;  -- an openid or a mail address
alter table messages drop constraint messages_channel_known;
alter table messages drop constraint messages_address_fits_channel;
alter table messages add constraint messages_channel_known
  check (channel in ('sms', 'push', 'wechat', 'email')) not valid;
alter table messages add constraint messages_address_fits_channel check (
  (channel = 'sms') = (phone_sealed is not null)
  and (channel = 'push') = (subscription_id is not null)
  and (channel in ('wechat', 'email')) = (address_sealed is not null)
) not valid;
