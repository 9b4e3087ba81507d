-- What one person sends another with an order: who writes, to whom, a few words.

-- tenant: the letter of a cart that somebody else pays, a gift, one that friends chip in for
create table letters (
  shop_id    bigint      not null,
  order_id   uuid        not null,
  from_name  text        not null default '',
  to_name    text        not null default '',
  words      text        not null default '',
  written_at timestamptz not null,
  seen_at    timestamptz,           -- first opened by somebody else than its writer
  constraint letters_pkey primary key (shop_id, order_id),
  constraint letters_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint letters_names_short check (length(from_name) <= 20 and length(to_name) <= 20),
  constraint letters_words_short check (length(words) <= 200)
);
