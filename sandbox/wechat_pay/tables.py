"""The tables of WeChat Pay. Money is whole fen; times are UTC text that sorts."""

SCHEMA = """
create table if not exists wechat_merchants (
    mchid text primary key,
    appid text not null unique,
    app_secret text not null,
    name text not null,
    mode text not null check (mode in ('key', 'cert')),
    ecommerce integer not null,
    serial_no text not null,
    public_key text not null,
    apiv3_key text not null,
    opened_at text not null
);
create table if not exists wechat_people (
    appid text not null,
    openid text not null,
    person text not null,
    primary key (appid, openid),
    unique (appid, person)
);
create table if not exists wechat_codes (
    code text primary key,
    appid text not null,
    openid text not null,
    expires_at text not null,
    used integer not null default 0
);
create table if not exists wechat_trades (
    transaction_id text primary key,
    prepay_id text not null unique,
    mchid text not null references wechat_merchants,
    out_trade_no text not null,
    combine_no text,
    sub_mchid text,
    trade_type text not null check (trade_type in ('JSAPI', 'MWEB', 'NATIVE')),
    description text not null,
    attach text,
    total_minor integer not null check (total_minor > 0),
    refunded_minor integer not null default 0
        check (refunded_minor between 0 and total_minor),
    fee_minor integer not null default 0,
    fee_back_minor integer not null default 0,
    status text not null check (status in ('NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED')),
    openid text,
    notify_url text not null,
    asked text not null,
    back_url text,
    created_at text not null,
    expires_at text not null,
    link_until text not null,
    paid_at text,
    closed_at text,
    finished_at text,
    unique (mchid, out_trade_no),
    unique (mchid, combine_no)
);
create table if not exists wechat_refunds (
    refund_id text primary key,
    mchid text not null references wechat_merchants,
    out_trade_no text not null,
    out_refund_no text not null,
    amount_minor integer not null check (amount_minor > 0),
    fee_back_minor integer not null,
    reason text,
    notify_url text,
    status text not null check (status in ('PROCESSING', 'SUCCESS', 'ABNORMAL')),
    becomes text not null check (becomes in ('SUCCESS', 'ABNORMAL')),
    accepted_at text not null,
    due_at text,
    done_at text,
    unique (mchid, out_refund_no)
);
create table if not exists wechat_media (
    media_id text primary key,
    mchid text not null references wechat_merchants,
    made_at text not null
);
create table if not exists wechat_redirects (
    id integer primary key,
    refund_id text not null references wechat_refunds,
    kind text not null check (kind in ('USER_BANK_CARD', 'MERCHANT_BANK_CARD')),
    bank_type text not null,
    tail text not null,
    at text not null
);
create table if not exists wechat_moves (
    id integer primary key,
    owner text not null,
    pocket text not null check (pocket in ('basic', 'operation', 'frozen', 'available')),
    amount_minor integer not null,
    kind text not null,
    reference text not null,
    at text not null
);
create index if not exists wechat_moves_owner on wechat_moves (owner, pocket, at);
create table if not exists wechat_notices (
    id integer primary key,
    event_id text not null unique,
    mchid text not null references wechat_merchants,
    out_trade_no text not null,
    kind text not null check (kind in ('pay', 'refund')),
    event_type text not null,
    summary text not null,
    original_type text not null,
    url text not null,
    resource text not null,
    sends integer not null default 0,
    state text not null check (state in ('waiting', 'held', 'delivered', 'given_up')),
    next_at text,
    made_at text not null
);
create index if not exists wechat_notices_due on wechat_notices (next_at)
    where next_at is not null;
create index if not exists wechat_notices_trade on wechat_notices (mchid, out_trade_no);
create table if not exists wechat_attempts (
    id integer primary key,
    notice_id integer not null references wechat_notices,
    at text not null,
    headers text not null,
    body text not null,
    twist text not null,
    status integer,
    answer text
);
create index if not exists wechat_attempts_notice on wechat_attempts (notice_id);
create table if not exists wechat_bills (
    token text primary key,
    mchid text not null,
    content blob not null,
    expires_at text not null
);
create table if not exists wechat_applyments (
    applyment_id text primary key,
    mchid text not null references wechat_merchants,
    out_request_no text not null,
    content text not null,
    shop_name text not null,
    card_tail text not null,
    state text not null check (state in ('CHECKING', 'NEED_SIGN', 'FINISH', 'REJECTED')),
    refusal text,
    sub_mchid text,
    due_at text,
    made_at text not null,
    unique (mchid, out_request_no)
);
create table if not exists wechat_splits (
    order_id text primary key,
    mchid text not null references wechat_merchants,
    sub_mchid text not null,
    transaction_id text not null references wechat_trades,
    out_order_no text not null,
    kind text not null check (kind in ('split', 'finish')),
    amount_minor integer not null check (amount_minor >= 0),
    returned_minor integer not null default 0
        check (returned_minor between 0 and amount_minor),
    description text not null,
    result text not null check (result in ('SUCCESS', 'CLOSED')),
    made_at text not null,
    due_at text not null,
    unique (mchid, out_order_no)
);
create table if not exists wechat_returns (
    return_no text primary key,
    mchid text not null references wechat_merchants,
    order_id text not null references wechat_splits,
    out_return_no text not null,
    amount_minor integer not null check (amount_minor > 0),
    made_at text not null,
    unique (mchid, out_return_no)
);
create table if not exists wechat_withdrawals (
    withdraw_id text primary key,
    mchid text not null references wechat_merchants,
    sub_mchid text not null,
    out_request_no text not null,
    amount_minor integer not null check (amount_minor > 0),
    status text not null check (status in ('CREATE_SUCCESS', 'SUCCESS', 'FAIL', 'REFUND')),
    becomes text not null check (becomes in ('SUCCESS', 'FAIL', 'REFUND')),
    reason text,
    made_at text not null,
    due_at text,
    changed_at text not null,
    unique (mchid, out_request_no)
);
create table if not exists wechat_transfers (
    transfer_bill_no text primary key,
    mchid text not null references wechat_merchants,
    out_bill_no text not null,
    content text not null,
    openid text not null,
    user_name text,
    amount_minor integer not null check (amount_minor > 0),
    remark text not null,
    package text not null unique,
    state text not null check (state in ('WAIT_USER_CONFIRM', 'SUCCESS', 'FAIL')),
    fail_reason text,
    made_at text not null,
    due_at text,
    changed_at text not null,
    unique (mchid, out_bill_no)
);
"""
