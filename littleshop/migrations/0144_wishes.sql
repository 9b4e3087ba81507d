-- "Buy for me": what a buyer asks a seller to get, and what the two say about it until an invitation
-- answers it (docs/decisions/0038-invitations.md).

-- tenant
create table wishes (
  shop_id      bigint      not null,
  wish_id      uuid        not null,  -- the form's own: a second press finds the first
  token_hash   bytea       not null,
  device       bytea       not null,  -- which device asked: it alone writes on by the link
  name         text        not null,
  phone_sealed bytea       not null,
  locale       text        not null,
  link         text        not null default '',
  top_minor    bigint,                -- no more than this, he says
  currency     text        not null,
  about_id     uuid,                  -- the invitation that a question is about
  status       text        not null default 'open',
  created_at   timestamptz not null,
  said_at      timestamptz not null,  -- the last word
  said_by      text        not null default 'buyer',
  constraint wishes_pkey primary key (shop_id, wish_id),
  constraint wishes_of_shop foreign key (shop_id) references shops (shop_id),
  constraint wishes_token_once unique (shop_id, token_hash),
  constraint wishes_status_known check (status in ('open', 'declined', 'withdrawn')),
  constraint wishes_said_by_known check (said_by in ('buyer', 'seller')),
  constraint wishes_top_sane check (top_minor > 0),
  constraint wishes_name_length check (length(name) between 1 and 40),
  constraint wishes_link_length check (length(link) <= 500)
) with (fillfactor = 80);
create index wishes_of_seller on wishes (shop_id, said_at desc);

-- tenant: what the two said, the wish itself first
create table wish_words (
  shop_id    bigint      not null,
  wish_id    uuid        not null,
  position   integer     not null,
  word_id    uuid        not null,  -- the form's own
  by_whom    text        not null,
  words      text        not null default '',
  photo      text,                  -- a private file
  at         timestamptz not null,
  constraint wish_words_pkey primary key (shop_id, wish_id, position),
  constraint wish_words_once unique (shop_id, wish_id, word_id),
  constraint wish_words_of_wish foreign key (shop_id, wish_id)
    references wishes (shop_id, wish_id),
  constraint wish_words_by_known check (by_whom in ('buyer', 'seller')),
  constraint wish_words_say_something check (words <> '' or photo is not null),
  constraint wish_words_length check (length(words) <= 1000),
  constraint wish_words_not_endless check (position between 1 and 100)
);

-- What a device ordered last: its next checkout opens filled in.
create index order_devices_by_device on order_devices (shop_id, device);
