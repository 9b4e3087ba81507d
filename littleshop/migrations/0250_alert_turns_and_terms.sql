-- Two alerts of a shop do not ring its phones at once; what is old of alerts and scans is found.

-- tenant: who rings a shop's phones, or looks at what it was told, holds its row meanwhile
create table alert_turns (
  shop_id  bigint      not null,
  taken_at timestamptz not null,
  constraint alert_turns_pkey primary key (shop_id),
  constraint alert_turns_of_shop foreign key (shop_id) references shops (shop_id)
);

create index alerts_raised on alerts (raised_at);
create index scans_heard on scans (heard_at);
