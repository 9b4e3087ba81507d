-- Team prices: so many people buy the same thing together, each for less (docs/decisions/
-- 0039-teams.md). A team's seats are a claim under the team's id.

-- tenant: a product that can be bought as a team
create table team_offers (
  shop_id    bigint      not null,
  product_id uuid        not null,
  seats      integer     not null,
  offered_at timestamptz not null,
  constraint team_offers_pkey primary key (shop_id, product_id),
  constraint team_offers_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint team_offers_seats_sane check (seats between 2 and 200)
);

-- tenant: what one piece of a variant costs each of a team
create table team_prices (
  shop_id     bigint not null,
  variant_id  uuid   not null,
  product_id  uuid   not null,
  price_minor bigint not null,
  constraint team_prices_pkey primary key (shop_id, variant_id),
  constraint team_prices_of_variant foreign key (shop_id, variant_id)
    references variants (shop_id, variant_id),
  constraint team_prices_of_offer foreign key (shop_id, product_id)
    references team_offers (shop_id, product_id) on delete cascade,
  constraint team_prices_sane check (price_minor between 1 and 9999999999)
);

-- tenant: forming until its last seat is paid (full) or its day is over (failed)
create table teams (
  shop_id    bigint      not null,
  team_id    uuid        not null,
  product_id uuid        not null,
  seats      integer     not null,
  status     text        not null default 'forming',
  token_hash bytea       not null,
  opened_at  timestamptz not null,
  closes_at  timestamptz not null,
  ended_at   timestamptz,
  constraint teams_pkey primary key (shop_id, team_id),
  constraint teams_of_product foreign key (shop_id, product_id)
    references products (shop_id, product_id),
  constraint teams_of_claim foreign key (shop_id, team_id)
    references claims (shop_id, claim_id),
  constraint teams_token_once unique (shop_id, token_hash),
  constraint teams_status_known check (status in ('forming', 'full', 'failed')),
  constraint teams_ended_dated check ((status = 'forming') = (ended_at is null)),
  constraint teams_seats_sane check (seats between 2 and 200)
);
