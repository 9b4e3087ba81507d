-- An institution lets go of what it has held for too long, whatever became of the order.

-- such a release was asked for by nobody: our commission is in what the seller's account got
alter table releases add column by_itself boolean not null default false;
