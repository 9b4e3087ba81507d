-- Who is told what, and where the answer stands.

-- tenant: one row per person and channel; facts are emptied once the vendor has taken them
create table messages (
  shop_id         bigint      not null,
  message_id      uuid        not null,   -- derived from who, what and how: a repeat finds itself
  about           text        not null,
  subject         text        not null,
  channel         text        not null,
  person_id       uuid,
  phone_sealed    bytea,
  subscription_id uuid,
  locale          text        not null,
  facts           jsonb       not null,
  status          text        not null,
  asked_at        timestamptz not null,
  sent_at         timestamptz,
  vendor_id       text,                   -- what the vendor calls it, for a question to him
  fault           text,
  constraint messages_pkey primary key (shop_id, message_id),
  constraint messages_of_shop foreign key (shop_id) references shops (shop_id),
  constraint messages_about_said check (about <> ''),
  constraint messages_channel_known check (channel in ('sms', 'push')),
  constraint messages_address_fits_channel check (
    (channel = 'sms') = (phone_sealed is not null)
    and (channel = 'push') = (subscription_id is not null)
  ),
  constraint messages_status_known
    check (status in ('waiting', 'sending', 'sent', 'unwanted', 'off')),
  constraint messages_sent_at_when_sent check ((status = 'sent') = (sent_at is not null))
);
create index messages_by_subject on messages (shop_id, subject);

-- tenant: a browser that wants to be told; the endpoint is its push service's address for it
create table push_subscriptions (
  shop_id         bigint      not null,
  subscription_id uuid        not null,   -- derived from the endpoint
  person_id       uuid        not null,
  endpoint        text        not null,
  p256dh          bytea       not null,
  auth            bytea       not null,
  locale          text        not null,
  added_at        timestamptz not null,
  constraint push_subscriptions_pkey primary key (shop_id, subscription_id),
  constraint push_subscriptions_of_shop foreign key (shop_id) references shops (shop_id),
  constraint push_subscriptions_endpoint_length check (length(endpoint) between 10 and 2000),
  constraint push_subscriptions_keys_have_size check (length(p256dh) = 65 and length(auth) = 16)
);
create index push_subscriptions_of_person on push_subscriptions (shop_id, person_id);
