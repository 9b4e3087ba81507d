-- What a shop owed when its owner closed it, as he read it then: what was paid out to him and went
-- back since. 0 for one that owed nothing.
alter table shop_closings add column owed_minor bigint not null default 0;
alter table shop_closings alter column owed_minor drop default;
alter table shop_closings add constraint shop_closings_owed_is_a_sum check (owed_minor >= 0) not valid;
