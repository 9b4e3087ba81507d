-- What is said before paying (goods that can't come back without a reason, direct settlement), and
-- money that a seller gives back without being asked.

alter table products drop column no_reason_return;  -- nobody ever read it
alter table products add column no_return_why text not null default '';
alter table products add constraint products_no_return_why_known check (
  no_return_why in ('', 'made', 'fresh', 'digital', 'press', 'opened', 'used', 'flawed')
  and (no_return_why = '' or no_return_since is not null));

alter table cases drop constraint cases_reason_known;
alter table cases add constraint cases_reason_known check (reason in (
  'not_wanted', 'not_arrived', 'not_as_described', 'damaged', 'wrong_item', 'missing', 'other',
  'offered'));

-- What visitors see of a shop's terms stands in its row, whose version moves with it.
update shops s set direct_settlement = true, version = s.version + 1
  from shop_terms t where t.shop_id = s.shop_id and t.direct_since is not null;
