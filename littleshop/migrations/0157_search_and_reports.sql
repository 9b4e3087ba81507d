-- Finding things in a shop; saying that something is wrong with one, and what came of it.

-- tenant: by which words a thing is found. Made in Python (catalog/search.py); each carries its
-- shop's number, so that the one index serves a shop's search without a look at the others.
create table product_words (
  shop_id    bigint   not null,
  product_id uuid     not null,
  words      text[]   not null,
  made_by    smallint not null,  -- which version of the maker; older ones are made anew
  constraint product_words_pkey primary key (shop_id, product_id),
  constraint product_words_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint product_words_bounded check (cardinality(words) between 1 and 4000)
);
-- things are written seldom and looked for often: nothing waits in a list outside of the index
create index product_words_search on product_words using gin (words) with (fastupdate = off);
create index product_words_made on product_words (made_by);

-- tenant: somebody says that something is wrong with a page of a shop
create table reports (
  shop_id    bigint      not null,
  report_id  uuid        not null,
  about      text        not null,
  subject    text        not null,  -- id of the product or review; a letter's hash; '' the shop
  path       text        not null,  -- the page, as far as it is no secret
  kind       text        not null,
  words      text        not null default '',
  device     bytea       not null,
  at         timestamptz not null,
  status     text        not null default 'open',
  decided_at timestamptz,
  decided_by uuid,
  constraint reports_pkey primary key (shop_id, report_id),
  constraint reports_of_shop foreign key (shop_id) references shops (shop_id),
  constraint reports_about_known check (about in ('shop', 'product', 'review', 'letter')),
  constraint reports_kind_known check (
    kind in ('banned', 'fake', 'stolen', 'misleading', 'rude', 'other')),
  constraint reports_words_length check (length(words) <= 500),
  constraint reports_status_known check (
    status in ('open', 'dismissed', 'taken_down', 'settled')),
  constraint reports_decided check (
    (status = 'open') = (decided_at is null) and (status = 'open') = (decided_by is null)),
  constraint reports_shop_has_no_subject check ((about = 'shop') = (subject = ''))
);
create unique index reports_once_while_open on reports (shop_id, about, subject, device)
  where status = 'open';
create index reports_open on reports (at) where status = 'open';

-- tenant: a product that an operator took off the shelf; while it is down, nobody can sell it
create table takedowns (
  shop_id     bigint      not null,
  takedown_id uuid        not null,
  product_id  uuid        not null,
  was         text        not null,  -- the status it had
  why         text        not null,  -- what the seller reads
  by          uuid        not null,  -- the operator
  at          timestamptz not null,
  appeal      text        not null default '',  -- the seller's, once
  appealed_at timestamptz,
  answer      text        not null default '',
  answered_at timestamptz,
  ended_at    timestamptz,           -- it was put back
  constraint takedowns_pkey primary key (shop_id, takedown_id),
  constraint takedowns_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint takedowns_why_said check (why <> ''),
  constraint takedowns_appeal_length check (length(appeal) <= 500),
  constraint takedowns_appealed check ((appealed_at is null) = (appeal = '')),
  constraint takedowns_answered check ((answered_at is null) = (answer = '')),
  constraint takedowns_ended_with_an_answer check (ended_at is null or answered_at is not null)
);
create unique index takedowns_one_open on takedowns (shop_id, product_id) where ended_at is null;
create index takedowns_appealed on takedowns (appealed_at) where answered_at is null;

-- What was said and decided is never taken away.
revoke delete, truncate on reports, takedowns from littleshop_app;
