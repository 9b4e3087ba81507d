-- What 0187 asks of new rows holds for the old ones.
alter table stock_movements validate constraint stock_movements_reason_known;
