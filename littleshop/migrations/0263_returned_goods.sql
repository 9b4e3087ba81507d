-- tenant: what came back by a request, as who unpacked it wrote it down: it is in stock since then,
-- and the word that gives the money back does not put it there once more.
create table returned_goods (
  shop_id  bigint      not null,
  case_id  uuid        not null,
  good     integer     not null,
  spoilt   integer     not null,
  taken_by uuid        not null,
  taken_at timestamptz not null,
  constraint returned_goods_pkey primary key (shop_id, case_id),
  constraint returned_goods_of_case foreign key (shop_id, case_id)
    references cases (shop_id, case_id),
  constraint returned_goods_some check (good >= 0 and spoilt >= 0 and good + spoilt > 0)
);
revoke update, delete, truncate on returned_goods from littleshop_app;
