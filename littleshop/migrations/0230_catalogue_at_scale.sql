-- Many goods at once (docs/decisions/0052-catalogue-at-scale.md).

alter table products add column tags text[] not null default '{}';
alter table products add constraint products_tags_few check (cardinality(tags) <= 20) not valid;

-- tenant: by which name a sheet knows a product; a product is known by one
create table product_handles (
  shop_id    bigint not null,
  handle     text   not null,
  product_id uuid   not null,
  constraint product_handles_pkey primary key (shop_id, handle),
  constraint product_handles_one_name unique (shop_id, product_id),
  constraint product_handles_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint product_handles_short check (length(handle) between 1 and 200)
);

-- tenant: from where a product's picture came, so that a second sheet does not fetch it again
create table photo_sources (
  shop_id    bigint not null,
  product_id uuid   not null,
  source     text   not null,  -- an address, or the name, sum and size of a file of an archive
  file       text   not null,
  constraint photo_sources_pkey primary key (shop_id, product_id, source),
  constraint photo_sources_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id)
);

-- tenant: the order of a shop's categories; `parent`: the one it stands under, at most one deep
create table categories (
  shop_id    bigint  not null,
  name       text    not null,
  parent     text,
  sort_order integer not null default 0,
  constraint categories_pkey primary key (shop_id, name),
  constraint categories_under_another foreign key (shop_id, parent)
    references categories (shop_id, name),
  constraint categories_not_under_itself check (parent <> name),
  constraint categories_named check (length(btrim(name)) between 1 and 40)
);
create index categories_by_parent on categories (shop_id, parent) where parent is not null;

-- tenant: a sheet of goods that was handed in; `with_pictures`: an archive came along
create table imports (
  shop_id       bigint      not null,
  import_id     uuid        not null,
  made_by       uuid        not null,
  made_at       timestamptz not null,
  file_name     text        not null,
  format        text        not null default '',
  with_pictures boolean     not null default false,
  status        text        not null default 'reading',
  fault         text        not null default '',  -- why the whole file is refused
  facts         jsonb       not null default '{}',
  begun_at      timestamptz,
  ended_at      timestamptz,
  constraint imports_pkey primary key (shop_id, import_id),
  constraint imports_of_shop foreign key (shop_id) references shops (shop_id),
  constraint imports_status_known check (
    status in ('reading', 'ready', 'importing', 'done', 'cancelled', 'refused')),
  constraint imports_format_known check (format in ('', 'own', 'shopify', 'taobao')),
  constraint imports_ended_then check (
    (ended_at is not null) = (status in ('done', 'cancelled', 'refused')))
);
create unique index imports_one_at_a_time on imports (shop_id) where status = 'importing';

-- tenant: a product of such a sheet, or a row that is none
create table import_items (
  shop_id      bigint  not null,
  import_id    uuid    not null,
  position     integer not null,
  line         integer not null,  -- of the file, from 1
  handle       text    not null,
  title        text    not null,
  verdict      text    not null,
  state        text    not null,
  why          text    not null default '',
  facts        jsonb   not null default '{}',
  thing        jsonb,
  product_id   uuid,
  photo_faults jsonb   not null default '[]',  -- [[source, code]]
  constraint import_items_pkey primary key (shop_id, import_id, position),
  constraint import_items_of_import foreign key (shop_id, import_id)
    references imports (shop_id, import_id),
  constraint import_items_verdict_known check (
    verdict in ('new', 'changed', 'unchanged', 'refused')),
  constraint import_items_state_known check (
    state in ('idle', 'waiting', 'written', 'done', 'failed')),
  constraint import_items_idle_when_nothing_to_do check (
    (state = 'idle') = (verdict in ('unchanged', 'refused')))
);
create index import_items_by_state on import_items (shop_id, import_id, state, position);
