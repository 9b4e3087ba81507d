-- What of a shop's balance a payout left where it was, by its terms (a reserve, a retained sum).
alter table payouts add column kept_minor bigint not null default 0;
alter table payouts add constraint payouts_kept_not_negative check (kept_minor >= 0);
