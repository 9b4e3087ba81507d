-- Photos of both sides of a seller's id card, for an institution that wants to see them before it
-- admits him. The files lie sealed beside the others; a row names them, from before they are
-- written until after they are removed, so that no file is ever forgotten.

-- tenant: the two sealed files; there once kept_at says so, gone once the institution has decided
create table id_photos (
  shop_id   bigint      not null,
  photos_id uuid        not null,
  face      text        not null,
  emblem    text        not null,
  begun_at  timestamptz not null,
  kept_at   timestamptz,           -- both files are written
  constraint id_photos_pkey primary key (shop_id, photos_id),
  constraint id_photos_of_shop foreign key (shop_id) references shops (shop_id),
  constraint id_photos_files_named check (face ~ '^[0-9a-f]{64}$' and emblem ~ '^[0-9a-f]{64}$'),
  constraint id_photos_sides_differ check (face <> emblem)
);

-- nobody is asked before the photos are there
alter table admissions
  add column lacks_id_card boolean not null default false,
  add constraint admissions_lacking_not_asked check (not lacks_id_card or status = 'asked');
