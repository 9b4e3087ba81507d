-- Who wants to hear what is new in a shop, and what a seller wants told.

-- tenant: somebody who follows a shop; who left is remembered and not told again
create table follows (
  shop_id      bigint      not null,
  follow_id    uuid        not null,  -- derived from the phone; the link in a message names it
  phone_index  bytea       not null,  -- blind index; the phone itself is sealed
  phone_sealed bytea       not null,
  token_hash   bytea       not null,  -- of the link in a message, which follows from follow_id
  device       bytea       not null,  -- where that was: only there a notification is switched on
  locale       text        not null,
  followed_at  timestamptz not null,  -- what was new before is not told
  left_at      timestamptz,           -- told once: only a new code to the phone undoes it
  told_at      timestamptz,           -- the last message
  heard_to     timestamptz not null,  -- news asked until then were told, or came before
  constraint follows_pkey primary key (shop_id, follow_id),
  constraint follows_of_shop foreign key (shop_id) references shops (shop_id),
  constraint follows_phone_once unique (shop_id, phone_index),
  constraint follows_token_once unique (shop_id, token_hash),
  constraint follows_index_is_32_bytes check (length(phone_index) = 32)
);
create index follows_of_device on follows (shop_id, device);
create index follows_to_tell on follows (shop_id, heard_to) where left_at is null;

-- tenant: a thing that the seller wants his followers told of; a thing is new once
create table news (
  shop_id    bigint      not null,
  product_id uuid        not null,
  asked_at   timestamptz not null,
  asked_by   uuid        not null,
  constraint news_pkey primary key (shop_id, product_id),
  constraint news_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id)
);
create index news_lately on news (asked_at);

-- tenant: what telling cost a shop in a month of its own calendar: messages by SMS
create table news_months (
  shop_id bigint  not null,
  month   date    not null,
  sent    integer not null,
  constraint news_months_pkey primary key (shop_id, month),
  constraint news_months_first_day check (extract(day from month) = 1),
  constraint news_months_bounded check (sent between 1 and 300)
);

-- That somebody does not want to hear of a shop is never forgotten.
revoke delete, truncate on follows from littleshop_app;
