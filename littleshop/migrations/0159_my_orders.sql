-- own-key: where the orders of a phone are to be looked for; filled by a job, may lag. What an order
-- is, its own row says
create table person_orders (
  phone_index bytea       not null,
  shop_id     bigint      not null,
  order_id    uuid        not null,
  placed_at   timestamptz not null,
  constraint person_orders_pkey primary key (phone_index, shop_id, order_id),
  constraint person_orders_index_is_32_bytes check (length(phone_index) = 32)
);
create index person_orders_latest on person_orders (phone_index, placed_at desc);

-- tenant: up to which number a shop's orders are in person_orders
create table order_marks (
  shop_id bigint not null,
  number  bigint not null,
  constraint order_marks_pkey primary key (shop_id)
);

-- own-key: whom an app's own sign (WeChat's openid) belongs to, since he showed his phone in that app
create table familiars (
  container  text        not null,
  sign_index bytea       not null,  -- blind index of the app's sign
  person_id  uuid        not null,
  met_at     timestamptz not null,
  constraint familiars_pkey primary key (sign_index, container),
  constraint familiars_index_is_32_bytes check (length(sign_index) = 32),
  constraint familiars_container_known check (container in ('wechat'))
);
