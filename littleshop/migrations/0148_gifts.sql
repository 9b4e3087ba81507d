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

-- Lines of an order become other kinds of the same thing; the caller has moved what is held.
create function choose_kinds(
  p_shop_id bigint, p_order_id uuid, p_positions integer[], p_variants uuid[], p_choices text[]
) returns void language sql as $$
  update order_items i set variant_id = w.variant_id, choice = w.choice
    from unnest(p_positions, p_variants, p_choices) as w(position, variant_id, choice)
   where i.shop_id = p_shop_id and i.order_id = p_order_id and i.position = w.position
$$;
