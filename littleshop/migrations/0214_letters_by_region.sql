-- A letter may leave its postage open: what it comes to depends on the province
-- (docs/decisions/0050-postage-by-region.md).

alter table invitations alter column shipping_minor drop not null;
