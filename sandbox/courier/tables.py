"""The tables of the couriers and of both tracking services; times are UTC text that sorts."""

SCHEMA = """
create table if not exists courier_keys (customer text primary key, key text not null);
create table if not exists courier_birds (
    business_id text primary key,
    key text not null,
    push_url text not null
);
create table if not exists courier_ways (
    number text primary key,
    began_at text not null
);
create table if not exists courier_scans (
    id integer primary key,
    number text not null references courier_ways,
    at text not null,
    state text not null,
    words text not null
);
create index if not exists courier_scans_of on courier_scans (number, at);
create table if not exists courier_subscriptions (
    id integer primary key,
    service text not null check (service in ('kuaidi100', 'kdniao')),
    account text not null,
    carrier text not null,
    number text not null references courier_ways,
    url text not null,
    salt text not null,
    token text not null,
    pushed_to text not null,
    unique (service, account, carrier, number)
);
create table if not exists courier_notices (
    id integer primary key,
    service text not null,
    number text not null,
    subscription integer not null references courier_subscriptions,
    upto text not null,
    kind text not null check (kind in ('under_way', 'over')),
    sends integer not null default 0,
    state text not null check (state in ('waiting', 'held', 'delivered', 'given_up')),
    next_at text,
    made_at text not null
);
create table if not exists courier_attempts (
    id integer primary key,
    notice_id integer not null references courier_notices,
    at text not null,
    body text not null,
    twist text not null default '',
    status integer,
    answer text
);
"""
