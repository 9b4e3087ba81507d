-- What people who received a thing say of it. Nobody deletes a review; an operator may take one
-- down with a reason, which stands in the log of acts.

-- tenant
create table reviews (
  shop_id     bigint      not null,
  review_id   uuid        not null,  -- derived from the order's line: a repeat finds itself
  order_id    uuid        not null,
  position    smallint    not null,
  product_id  uuid        not null,
  choice      text        not null default '',  -- the variant, as the order's line says it
  stars       smallint    not null,
  words       text        not null default '',
  name        text        not null,  -- masked when it was written
  device      bytea       not null,  -- which device of the one who received it wrote
  written_at  timestamptz not null,
  amended_at  timestamptz,
  answer      text        not null default '',  -- the seller's, once
  answered_by uuid,
  answered_at timestamptz,
  taken_down_at timestamptz,
  taken_down_by uuid,
  taken_down_why text     not null default '',
  constraint reviews_pkey primary key (shop_id, review_id),
  constraint reviews_of_line foreign key (shop_id, order_id, position)
    references order_items (shop_id, order_id, position),
  constraint reviews_once unique (shop_id, order_id, position),
  constraint reviews_stars_sane check (stars between 1 and 5),
  constraint reviews_words_length check (length(words) <= 1000),
  constraint reviews_answer_length check (length(answer) <= 500),
  constraint reviews_answered check ((answered_at is null) = (answer = '')),
  constraint reviews_taken_down_with_reason check (
    (taken_down_at is null) = (taken_down_by is null)
    and (taken_down_at is null) = (taken_down_why = ''))
);
create index reviews_of_product on reviews (shop_id, product_id, written_at desc)
  where taken_down_at is null;
create index reviews_of_shop on reviews (shop_id, written_at desc);

-- tenant: what a review shows; the files are public pictures
create table review_photos (
  shop_id   bigint   not null,
  review_id uuid     not null,
  place     smallint not null,
  file      text     not null,  -- content hash, the folder under /f/
  width     integer  not null,
  height    integer  not null,
  colour    text     not null,
  constraint review_photos_pkey primary key (shop_id, review_id, place),
  constraint review_photos_of_review foreign key (shop_id, review_id)
    references reviews (shop_id, review_id),
  constraint review_photos_four check (place between 0 and 3),
  constraint review_photos_size_sane
    check (width between 1 and 20000 and height between 1 and 20000)
);
revoke delete, truncate on reviews from littleshop_app;
