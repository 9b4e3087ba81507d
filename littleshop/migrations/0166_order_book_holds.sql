-- What 0165 asks of orders holds for those that are there already.

alter table orders validate constraint orders_sum_right;
alter table orders validate constraint orders_adjusted_sane;
