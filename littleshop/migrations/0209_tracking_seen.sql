-- The operator's desk counts the parcels of the last week, and when news of any came last.
create index trackings_asked on trackings (asked_at);
create index tracking_notices_received on tracking_notices (received_at);
