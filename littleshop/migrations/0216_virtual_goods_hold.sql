-- What 0215 asks of rows to come holds of those that there are.

alter table products validate constraint products_virtual_known;
