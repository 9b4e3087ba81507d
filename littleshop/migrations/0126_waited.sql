-- Orders that waited for a rail are paid long after they were placed: what a day took finds them
-- here, all others by when they were placed.
create index orders_waited on orders (shop_id, placed_at) where waited;
