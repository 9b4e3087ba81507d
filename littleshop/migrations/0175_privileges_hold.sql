-- What 0173 asks of rows to come holds of those that there are.

alter table order_items validate constraint order_items_discount_sane;
alter table order_claims validate constraint order_claims_amount_sane;
alter table claims validate constraint claims_kind_known;
alter table claims validate constraint claims_most_sane;
