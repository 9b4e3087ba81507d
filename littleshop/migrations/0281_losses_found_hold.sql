-- What 0280 added holds for every chargeback.
alter table chargebacks validate constraint chargebacks_found_within;
