-- What the shop that sold an order is called, as its buyer read it then: what he is told about it
-- speaks with the name he knows.
alter table resales add column sold_by_name text not null default '';
