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
