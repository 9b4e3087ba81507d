-- What is asked of held money all the time: which releases are due, what has been held for long.

create index releases_due on releases (not_before) where status <> 'done';
drop index releases_open;
create index payments_held on payments (gateway, paid_at)
  where held_for is not null and status = 'paid';
