-- How far the buyers of a shop that was handed over have been told: the phone that was the last of
-- a handful, in the order of their indexes; null while nobody was.
alter table handovers add column told_to bytea;
alter table handovers add constraint handovers_told_when_done
  check (told_to is null or status = 'done') not valid;
