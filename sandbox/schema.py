"""The tables of the sandbox. Money is whole fen; times are UTC text that sorts."""

from sandbox.alipay import tables as alipay
from sandbox.baidu_wallet import tables as baidu_wallet
from sandbox.courier import tables as courier
from sandbox.stripe import tables as stripe
from sandbox.wechat_pay import tables as wechat_pay

SCHEMA = """
create table if not exists settings (name text primary key, value text not null);
create table if not exists faults (path text primary key, value text not null);

create table if not exists alipay_apps (
    app_id text primary key,
    seller_id text not null unique,
    name text not null,
    mode text not null check (mode in ('key', 'cert')),
    public_key text not null,
    app_cert text,
    app_cert_sn text,
    opened_at text not null
);
create table if not exists alipay_trades (
    trade_no text primary key,
    app_id text not null references alipay_apps,
    out_trade_no text not null,
    method text not null,
    subject text not null,
    total_minor integer not null check (total_minor > 0),
    refunded_minor integer not null default 0
        check (refunded_minor between 0 and total_minor),
    fee_minor integer not null default 0,
    status text not null check (status in ('UNOPENED', 'VOID', 'WAIT_BUYER_PAY',
        'TRADE_SUCCESS', 'TRADE_CLOSED', 'TRADE_FINISHED')),
    notify_url text,
    return_url text,
    quit_url text,
    passback_params text,
    created_at text not null,
    expires_at text,
    paid_at text,
    closed_at text,
    unique (app_id, out_trade_no)
);
create table if not exists alipay_refunds (
    app_id text not null,
    out_trade_no text not null,
    out_request_no text not null,
    amount_minor integer not null check (amount_minor > 0),
    reason text,
    refunded_at text not null,
    primary key (app_id, out_trade_no, out_request_no)
);
create table if not exists alipay_notices (
    id integer primary key,
    notify_id text not null unique,
    app_id text not null,
    out_trade_no text not null,
    kind text not null,
    url text not null,
    fields text not null,
    sends integer not null default 0,
    state text not null check (state in ('waiting', 'held', 'delivered', 'given_up')),
    next_at text,
    made_at text not null
);
create index if not exists notices_due on alipay_notices (next_at) where next_at is not null;
create index if not exists notices_trade on alipay_notices (app_id, out_trade_no);
create table if not exists alipay_attempts (
    id integer primary key,
    notice_id integer not null references alipay_notices,
    at text not null,
    body text not null,
    twist text not null,
    status integer,
    answer text
);
create index if not exists attempts_notice on alipay_attempts (notice_id);
create table if not exists alipay_bills (
    token text primary key,
    app_id text not null,
    bill_on text not null,
    expires_at text not null
);

create table if not exists bank_accounts (
    account text primary key,
    name text not null,
    cnaps text not null,
    key text not null,
    seller_id text unique,
    opening_minor integer not null,
    opened_on text not null
);
create table if not exists bank_messages (
    account text not null references bank_accounts,
    message_id text not null,
    digest text not null,
    answer text not null,
    received_at text not null,
    items integer not null,
    sum_minor integer not null,
    primary key (account, message_id)
);
create table if not exists bank_transfers (
    id integer primary key,
    account text not null references bank_accounts,
    message_id text not null,
    payment_id text not null,
    instruction_id text,
    end_to_end_id text not null,
    amount_minor integer not null check (amount_minor > 0),
    creditor_name text not null,
    creditor_account text not null,
    creditor_cnaps text,
    accepted_at text not null,
    execute_at text not null,
    status text not null check (status in ('ACTC', 'ACSP', 'ACSC', 'RJCT')),
    reason text,
    return_reason text,
    return_at text,
    returned_at text,
    executed_at text
);
create unique index if not exists transfers_live on bank_transfers (account, end_to_end_id)
    where status <> 'RJCT';
create table if not exists bank_entries (
    id integer primary key,
    account text not null references bank_accounts,
    value_on text not null,
    kind text not null check (kind in ('transfer', 'return', 'alipay', 'wechat', 'baidu')),
    amount_minor integer not null,
    reference text not null,
    transfer_id integer,
    booked_at text not null,
    unique (account, kind, reference)
);

create table if not exists bank_custody (account text primary key references bank_accounts);
create table if not exists bank_sub_ledgers (
    account text not null references bank_accounts,
    day text not null,
    number integer not null,
    digest text not null,
    taken_at text not null,
    primary key (account, day, number)
);
create table if not exists bank_sub_balances (
    account text not null,
    day text not null,
    number integer not null,
    owner text not null,
    amount_minor integer not null,
    primary key (account, day, number, owner)
);
create table if not exists bank_on_behalf (
    account text not null,
    message_id text not null,
    end_to_end_id text not null,
    owner text not null,
    primary key (account, message_id, end_to_end_id)
);
create table if not exists bank_payees (
    rail text not null,
    payee text not null,
    account text not null references bank_accounts,
    booked_to text not null,
    primary key (rail, payee),
    unique (rail, account)
);

create table if not exists sms_keys (
    access_key_id text primary key,
    access_key_secret text not null
);
create table if not exists sms_templates (code text primary key, text text not null);
create table if not exists sms_nonces (nonce text primary key, at text not null);
create table if not exists sms_messages (
    id integer primary key,
    phone text not null,
    text text not null,
    code text,
    at text not null
);
create index if not exists messages_phone on sms_messages (phone, id);
create table if not exists identity_keys (key text primary key);
create table if not exists push_subscriptions (
    id text primary key,
    private_key text not null,
    auth text not null,
    server_key text,
    gone integer not null default 0
);
create table if not exists push_messages (
    id integer primary key,
    subscription_id text not null references push_subscriptions,
    at text not null,
    text text not null,
    topic text,
    urgency text,
    ttl integer not null
);
"""
SCHEMA += alipay.SCHEMA
SCHEMA += wechat_pay.SCHEMA
SCHEMA += stripe.SCHEMA
SCHEMA += baidu_wallet.SCHEMA
SCHEMA += courier.SCHEMA
