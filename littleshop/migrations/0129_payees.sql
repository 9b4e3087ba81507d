-- tenant: where a shop asked to be paid instead of to its bank card
create table payees (
  shop_id        bigint      not null,
  payee_id       uuid        not null,
  rail           text        not null,
  account_sealed bytea       not null,  -- an account at Alipay, an openid at WeChat
  tail           text        not null,
  chosen_by      uuid        not null,
  chosen_at      timestamptz not null,
  ended_at       timestamptz,
  constraint payees_pkey primary key (shop_id, payee_id),
  constraint payees_rail_known check (rail in ('alipay', 'wechat_pay'))
);
create unique index payees_one_at_a_time on payees (shop_id) where ended_at is null;

alter table payouts add constraint payouts_to_payee
  foreign key (shop_id, payee_id) references payees (shop_id, payee_id);

revoke delete, truncate on payees from littleshop_app;
