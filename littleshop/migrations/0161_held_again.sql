-- tenant: each time that an order which holds nothing while it waits (docs/decisions/0031-waiting.md)
-- held its pieces because somebody went to pay it. What was held unpaid counts for a day.
create table order_holds (
  shop_id   bigint      not null,
  order_id  uuid        not null,
  held_at   timestamptz not null,
  let_go_at timestamptz,  -- unpaid; null while it holds, once it is paid, and when it was called off
  constraint order_holds_pkey primary key (shop_id, order_id, held_at),
  constraint order_holds_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id)
);
create index order_holds_lately on order_holds (shop_id, held_at);
