"""Alipay's tables beside those of plain payments: pockets and transfers."""

SCHEMA = """
create table if not exists alipay_moves (
    id integer primary key,
    owner text not null,
    pocket text not null,
    amount_minor integer not null,
    kind text not null,
    reference text not null,
    at text not null
);
create index if not exists alipay_moves_owner on alipay_moves (owner, pocket, reference);
create table if not exists alipay_transfers (
    order_id text primary key,
    app_id text not null references alipay_apps,
    out_biz_no text not null,
    content text not null,
    product_code text not null,
    payee text not null,
    payee_name text not null,
    amount_minor integer not null check (amount_minor > 0),
    title text not null,
    status text not null check (status in ('DEALING', 'SUCCESS', 'FAIL', 'REFUND')),
    becomes text not null check (becomes in ('SUCCESS', 'FAIL', 'REFUND')),
    error_code text,
    fail_reason text,
    made_at text not null,
    due_at text,
    changed_at text not null,
    unique (app_id, out_biz_no)
);
"""
SCHEMA += """
create table if not exists alipay_platforms (app_id text primary key references alipay_apps);
create table if not exists alipay_sellers (
    order_id text primary key,
    app_id text not null references alipay_apps,
    external_id text not null,
    content text not null,
    name text not null,
    alias_name text not null,
    settles_to text not null check (settles_to in ('card', 'account')),
    target_tail text not null,
    by_link integer not null,
    status text not null check (status in ('031', '99', '-1')),
    audit text not null check (audit in ('CREATE', 'PASS', 'REJECT')),
    sub_confirm text not null check (sub_confirm in ('CREATE', 'NOT_CONFIRM', 'SKIP', 'FINISH')),
    refusal text,
    smid text,
    due_at text,
    made_at text not null,
    unique (app_id, external_id)
);
create table if not exists alipay_held (
    trade_no text primary key references alipay_trades,
    smid text not null,
    days integer not null check (days between 1 and 365),
    confirm_no text,
    confirmed_minor integer,
    confirmed_at text,
    frozen_until text
);
create table if not exists alipay_splits (
    settle_no text primary key,
    app_id text not null references alipay_apps,
    trade_no text not null references alipay_held,
    out_request_no text not null,
    kind text not null check (kind in ('transfer', 'finish', 'transfer_refund')),
    amount_minor integer not null check (amount_minor >= 0),
    state text not null check (state in ('SUCCESS', 'FAIL')),
    made_at text not null,
    due_at text not null,
    unique (app_id, trade_no, out_request_no)
);
create table if not exists alipay_card_payouts (
    id integer primary key,
    smid text not null,
    trade_no text not null references alipay_held,
    amount_minor integer not null check (amount_minor > 0),
    status text not null check (status in ('WAIT', 'SUCCESS', 'FAIL')),
    reason text,
    made_at text not null,
    due_at text
);
"""
