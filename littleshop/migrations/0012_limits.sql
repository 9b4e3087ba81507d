-- own-key: how often somebody did something in a window; the subject is hashed
create table limit_counts (
  subject   bytea       not null,
  window_at timestamptz not null,
  ends_at   timestamptz not null,
  count     integer     not null,
  constraint limit_counts_pkey primary key (subject, window_at),
  constraint limit_counts_positive check (count > 0)
);
create index limit_counts_over on limit_counts (ends_at);
