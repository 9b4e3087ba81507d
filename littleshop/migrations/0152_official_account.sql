-- What WeChat gives an official account for two hours: one fetches it, every process uses it.

-- own-key: the access token and the ticket of an account, sealed; WeChat counts how often we ask
create table official_tickets (
  app_id        text        not null,
  kind          text        not null,
  sealed        bytea,                 -- null: asked for, not there yet
  good_until    timestamptz,
  claimed_until timestamptz not null,  -- until then one process asks, nobody else does
  constraint official_tickets_pkey primary key (app_id, kind),
  constraint official_tickets_kind_known check (kind in ('access_token', 'ticket')),
  constraint official_tickets_whole check ((sealed is null) = (good_until is null))
);
