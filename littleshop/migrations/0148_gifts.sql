-- A gift that was claimed: who is told of its parcel. Its giver stays the order's customer, and the
-- order's delivery is from the claim on the recipient's.

-- tenant: the claim of a gift
create table gifts (
  shop_id      bigint      not null,
  order_id     uuid        not null,
  phone_sealed bytea       not null,  -- the recipient's: his codes and his news go there
  locale       text        not null,  -- the recipient's
  claimed_at   timestamptz not null,
  constraint gifts_pkey primary key (shop_id, order_id),
  constraint gifts_of_order foreign key (shop_id, order_id)
    references orders (shop_id, order_id)
);
