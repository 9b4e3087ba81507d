\set shop :first + random(0, :shops - 1)
\set n random(1, :variants)
select code from place_orders(:at::timestamptz, :until::timestamptz,
  array[row(:shop::bigint, gen_random_uuid(),
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
    decode(repeat('5a', 43), 'hex'), decode(repeat('5a', 196), 'hex'), 'courier', 'CNY', 'zh-CN',
    1, 1000 + :n, :postage, 1000 + :n + :postage, '', gen_random_uuid(), null,
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
    substr(uuid_send(gen_random_uuid()), 1, 3), false, 'checkout', null, null, null)::asked_order],
  array[row(1,
    ('00000000-0000-7001-8000-' || lpad(to_hex(:shop * 1000 + :n), 12, '0'))::uuid,
    ('00000000-0000-7002-8000-' || lpad(to_hex(:shop * 1000 + :n), 12, '0'))::uuid,
    'Bowl ' || :n, '', '', 1000 + :n, 1, null, null)::asked_item]);
