-- What 0207 added to tables that were there is true of all their rows.
alter table stock_movements validate constraint stock_movements_reason_known;
