-- The number that a re-seller's buyer reads out is that of the supplier's order: it never changes, so
-- her mirror has it and she finds it among her own rows.
alter table resold_orders add column order_number bigint;
update resold_orders r set order_number = o.number
  from orders o where o.shop_id = r.from_shop_id and o.order_id = r.order_id;
alter table resold_orders alter column order_number set not null;
create index resold_orders_by_number on resold_orders (shop_id, order_number);
