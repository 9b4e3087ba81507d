-- Goods that nobody carries: a text, a file or a code of its own for each piece, handed out when they
-- are paid (docs/decisions/0050-postage-by-region.md has the postage of the others).

alter table products add column virtual_kind text;  -- null: a thing that is carried
alter table products add constraint products_virtual_known
  check (virtual_kind in ('text', 'file', 'codes')) not valid;

-- tenant: what a buyer of it gets; codes have rows of their own
create table virtual_goods (
  shop_id     bigint      not null,
  product_id  uuid        not null,
  text_sealed bytea,               -- also how to use a file or a code
  file        text,                -- a private file, by the hash of its content
  file_name   text        not null default '',
  changed_at  timestamptz not null,
  constraint virtual_goods_pkey primary key (shop_id, product_id),
  constraint virtual_goods_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint virtual_goods_file_named check (file is null or length(file_name) between 1 and 120)
);

-- tenant: a piece of a variant; given to one line of one order, once
create table virtual_codes (
  shop_id     bigint      not null,
  code_id     uuid        not null,
  variant_id  uuid        not null,
  code_sealed bytea       not null,
  code_index  bytea       not null,  -- blind index: one code is put in once
  added_at    timestamptz not null,
  order_id    uuid,
  position    smallint,
  given_at    timestamptz,
  constraint virtual_codes_pkey primary key (shop_id, code_id),
  constraint virtual_codes_of_variant foreign key (shop_id, variant_id)
    references variants (shop_id, variant_id),
  constraint virtual_codes_once unique (shop_id, code_index),
  constraint virtual_codes_given_whole check (
    (order_id is null) = (given_at is null) and (order_id is null) = (position is null))
);
create index virtual_codes_left on virtual_codes (shop_id, variant_id, added_at, code_id)
  where order_id is null;
create index virtual_codes_of_order on virtual_codes (shop_id, order_id) where order_id is not null;
revoke delete, truncate on virtual_codes from littleshop_app;

-- tenant: what a line of an order was given, as it was then; opened when its buyer first looked
create table handed_out (
  shop_id     bigint      not null,
  order_id    uuid        not null,
  position    smallint    not null,
  kind        text        not null,
  text_sealed bytea,
  file        text,
  file_name   text        not null default '',
  at          timestamptz not null,
  opened_at   timestamptz,
  constraint handed_out_pkey primary key (shop_id, order_id, position),
  constraint handed_out_of_line foreign key (shop_id, order_id, position)
    references order_items (shop_id, order_id, position),
  constraint handed_out_kind_known check (kind in ('text', 'file', 'codes'))
);
revoke delete, truncate on handed_out from littleshop_app;
