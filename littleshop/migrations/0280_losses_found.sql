-- Of what a lost chargeback took, this much was booked as having gone back already (our loss), until
-- the rail said that the refund was never made: then the bank's taking was the way it went back.
alter table chargebacks add column found_minor bigint not null default 0;
alter table chargebacks add constraint chargebacks_found_within
  check (found_minor >= 0 and found_minor + unbooked_minor <= amount_minor) not valid;
