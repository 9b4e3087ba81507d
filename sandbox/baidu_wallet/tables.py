"""The tables of Baidu Wallet. Money is whole fen; times are UTC text that sorts."""

SCHEMA = """
create table if not exists baidu_merchants (
    sp_no text primary key,
    key text not null,
    name text not null,
    opened_at text not null
);
create table if not exists baidu_trades (
    bfb_order_no text primary key,
    sp_no text not null references baidu_merchants,
    order_no text not null,
    goods_name text not null,
    total_minor integer not null check (total_minor > 0),
    refunded_minor integer not null default 0
        check (refunded_minor between 0 and total_minor),
    fee_minor integer not null default 0,
    status text not null check (status in ('WAITING', 'PAID', 'CLOSED')),
    sign_method text not null,
    notify_url text not null,
    page_url text,
    created_at text not null,
    expires_at text not null,
    paid_at text,
    unique (sp_no, order_no)
);
create table if not exists baidu_refunds (
    sp_no text not null,
    order_no text not null,
    sp_refund_no text not null,
    amount_minor integer not null check (amount_minor > 0),
    refunded_at text not null,
    primary key (sp_no, sp_refund_no)
);
create table if not exists baidu_notices (
    id integer primary key,
    sp_no text not null,
    order_no text not null,
    kind text not null,
    url text not null,
    fields text not null,
    sends integer not null default 0,
    state text not null check (state in ('waiting', 'held', 'delivered', 'given_up')),
    next_at text,
    made_at text not null
);
create table if not exists baidu_attempts (
    id integer primary key,
    notice_id integer not null references baidu_notices,
    at text not null,
    query text not null,
    status integer,
    answer text
);
"""
