-- What 0212 asks of rows to come holds of those that there are.

alter table shops validate constraint shops_of_rate;
alter table products validate constraint products_of_rate;
