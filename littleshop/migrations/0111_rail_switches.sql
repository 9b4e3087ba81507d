-- reference: rails that take no new payment for now; what was begun on them goes on
create table rail_switches (
  gateway text        not null,
  why     text        not null,
  off_by  text        not null,
  off_at  timestamptz not null,
  constraint rail_switches_pkey primary key (gateway),
  constraint rail_switches_has_reason check (why <> '')
);
