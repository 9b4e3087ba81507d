-- own-key: the public names of this platform, with a port where it is not the scheme's. What is
-- shared anew goes over one that is healthy and not blocked; what was shared is answered by all
create table domains (
  host        text        not null,
  state       text        not null default 'new',
  since       timestamptz not null,              -- of that state
  why         text        not null default '',   -- what the last look met; '' all was well
  against     smallint    not null default 0,    -- looks in a row that say otherwise than the state
  looked_at   timestamptz,
  added_at    timestamptz not null,
  blocked_at  timestamptz,                       -- an operator: some app no longer opens it
  blocked_why text        not null default '',
  constraint domains_pkey primary key (host),
  constraint domains_host_is_plain check (
    host ~ '^[a-z0-9.:\[\]-]+$' and length(host) between 1 and 260),
  constraint domains_state_known check (state in ('new', 'healthy', 'unhealthy')),
  constraint domains_against_sane check (against between 0 and 10),
  constraint domains_blocked_says_why check ((blocked_at is null) = (blocked_why = ''))
);
