"""The tables of Stripe. Money is minor units of its currency; times are UTC text that sorts."""

SCHEMA = """
create table if not exists stripe_accounts (
    id text primary key,
    name text not null,
    secret_key text not null unique,
    publishable_key text not null,
    webhook_url text,
    webhook_secret text not null,
    rolled_secret text,
    rolled_until text,
    opened_at text not null
);
create table if not exists stripe_products (
    account text not null references stripe_accounts,
    id text not null,
    name text not null,
    metadata text not null,
    created_at text not null,
    primary key (account, id)
);
create table if not exists stripe_sessions (
    id text primary key,
    account text not null references stripe_accounts,
    reference text,
    product text,
    amount_minor integer not null check (amount_minor > 0),
    currency text not null,
    metadata text not null,
    intent_metadata text not null,
    transfer_group text,
    success_url text not null,
    cancel_url text,
    status text not null check (status in ('open', 'complete', 'expired')),
    intent text,
    created_at text not null,
    expires_at text not null
);
create index if not exists stripe_sessions_reference on stripe_sessions (reference);
create table if not exists stripe_intents (
    id text primary key,
    account text not null references stripe_accounts,
    amount_minor integer not null check (amount_minor > 0),
    refunded_minor integer not null default 0
        check (refunded_minor between 0 and amount_minor),
    currency text not null,
    status text not null check (status in ('requires_payment_method', 'requires_confirmation',
        'processing', 'succeeded', 'canceled')),
    metadata text not null,
    transfer_group text,
    charge text unique,
    error_code text,
    created_at text not null,
    paid_at text
);
create table if not exists stripe_refunds (
    id text primary key,
    account text not null references stripe_accounts,
    intent text not null references stripe_intents,
    amount_minor integer not null check (amount_minor > 0),
    status text not null check (status in ('pending', 'succeeded', 'failed')),
    failure text,
    reason text,
    metadata text not null,
    created_at text not null,
    due_at text
);
create index if not exists stripe_refunds_intent on stripe_refunds (intent);
create table if not exists stripe_disputes (
    id text primary key,
    account text not null references stripe_accounts,
    intent text not null references stripe_intents,
    amount_minor integer not null,
    reason text not null,
    status text not null check (status in ('needs_response', 'won', 'lost')),
    created_at text not null,
    closed_at text
);
create table if not exists stripe_balance (
    id text primary key,
    account text not null references stripe_accounts,
    type text not null,
    source text,
    amount_minor integer not null,
    fee_minor integer not null,
    currency text not null,
    created_at text not null
);
create index if not exists stripe_balance_when on stripe_balance (account, created_at);
create table if not exists stripe_keys (
    account text not null,
    key text not null,
    digest text not null,
    status integer not null,
    body text not null,
    at text not null,
    primary key (account, key)
);
create table if not exists stripe_events (
    number integer primary key,
    id text not null unique,
    account text not null references stripe_accounts,
    reference text,
    type text not null,
    payload text not null,
    state text not null check (state in ('waiting', 'held', 'delivered', 'given_up')),
    sends integer not null default 0,
    next_at text,
    made_at text not null
);
create index if not exists stripe_events_reference on stripe_events (reference);
create index if not exists stripe_events_due on stripe_events (next_at) where next_at is not null;
create table if not exists stripe_attempts (
    id integer primary key,
    event text not null,
    at text not null,
    signature text not null,
    body text not null,
    twist text not null,
    status integer,
    answer text
);
create index if not exists stripe_attempts_event on stripe_attempts (event);
"""
