-- Ways into a shop that nobody sent on: a super-app's wallet, a menu, a code on the counter. What
-- they bring is counted as a share's is (visits of kind 'share', orders.share_code), and shown
-- apart. The platform's own (shop 0) open the buyer's home.

-- tenant
create table entrances (
  shop_id    bigint      not null,
  code       text        not null,
  kind       text        not null,
  name       text        not null,
  person_id  uuid        not null,  -- who made it
  created_at timestamptz not null,
  constraint entrances_pkey primary key (shop_id, code),
  constraint entrances_of_shop foreign key (shop_id) references shops (shop_id),
  constraint entrances_once unique (shop_id, kind, name),
  -- a sign shorter than a share's, so that a code says by itself which of the two it is
  constraint entrances_code_shape check (code ~ '^[0-9a-v]{1,13}-[2-9a-z]{5}$'),
  constraint entrances_kind_known
    check (kind in ('counter', 'wallet', 'account_menu', 'mini_program', 'home_screen')),
  constraint entrances_name_length check (length(name) between 1 and 30)
);
