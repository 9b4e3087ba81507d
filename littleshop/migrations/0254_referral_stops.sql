-- tenant: the platform stops referral commission, of a shop or (0) of all: orders placed while it
-- does earn sharers nothing; what was placed before goes on
create table referral_stops (
  shop_id    bigint      not null,
  stopped_at timestamptz not null,
  lifted_at  timestamptz,
  why        text        not null,
  constraint referral_stops_pkey primary key (shop_id, stopped_at),
  constraint referral_stops_of_shop foreign key (shop_id) references shops (shop_id),
  constraint referral_stops_end_after_their_beginning check (lifted_at >= stopped_at),
  constraint referral_stops_has_reason check (why <> '')
);
create unique index referral_stops_once on referral_stops (shop_id) where lifted_at is null;
revoke delete, truncate on referral_stops from littleshop_app;

create index referrals_in_time on referrals (shop_id, fixed_at);
