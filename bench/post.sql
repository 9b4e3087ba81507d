\set shop :first + random(0, :shops - 1)
begin;
update accounts set debits_minor = debits_minor + 10000, credits_minor = credits_minor + 10000 where shop_id = :shop and account = 'escrow' and currency = 'CNY';
update accounts set debits_minor = debits_minor + 10000, credits_minor = credits_minor + 60 where shop_id = :shop and account = 'gateway_clearing' || chr(58) || 'alipay' and currency = 'CNY';
update accounts set debits_minor = debits_minor + 60 where shop_id = :shop and account = 'gateway_fee' and currency = 'CNY';
update accounts set credits_minor = credits_minor + 9400 where shop_id = :shop and account = 'payable' and currency = 'CNY';
update accounts set credits_minor = credits_minor + 600 where shop_id = :shop and account = 'commission' and currency = 'CNY';
insert into journals (shop_id, journal_id, kind, reference, order_id, value_on, booked_at, digest) values (:shop, gen_random_uuid(), 'bench', gen_random_uuid()::text, null, '2026-11-23', '2026-11-23', repeat('5a', 32)) returning journal_id as journal \gset
insert into transfers (shop_id, journal_id, position, debit, credit, amount_minor, currency) values (:shop, :journal::uuid, 1, 'gateway_clearing' || chr(58) || 'alipay', 'escrow', 10000, 'CNY');
insert into transfers (shop_id, journal_id, position, debit, credit, amount_minor, currency) values (:shop, :journal::uuid, 2, 'escrow', 'payable', 9400, 'CNY');
insert into transfers (shop_id, journal_id, position, debit, credit, amount_minor, currency) values (:shop, :journal::uuid, 3, 'escrow', 'commission', 600, 'CNY');
insert into transfers (shop_id, journal_id, position, debit, credit, amount_minor, currency) values (:shop, :journal::uuid, 4, 'gateway_fee', 'gateway_clearing' || chr(58) || 'alipay', 60, 'CNY');
commit;
