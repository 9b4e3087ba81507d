-- What somebody with a payer's link set out to pay, under an id of its own: a part of what friends
-- chip in for, or all of what he pays for somebody else. Whether it is paid says the payment with
-- its part_id.

-- tenant: names and words as they were typed, of who wanted to leave some
create table parts (
  shop_id      bigint      not null,
  order_id     uuid        not null,
  part_id      uuid        not null,  -- derived from device, page and sum: a second press finds it
  name         text        not null default '',
  words        text        not null default '',
  amount_minor bigint      not null,
  device       bytea       not null,  -- on which somebody pays it: there he finds what became of it
  asked_at     timestamptz not null,
  constraint parts_pkey primary key (shop_id, order_id, part_id),
  constraint parts_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id),
  constraint parts_amount_sane check (amount_minor > 0),
  constraint parts_name_short check (length(name) <= 20),
  constraint parts_words_short check (length(words) <= 200)
);
