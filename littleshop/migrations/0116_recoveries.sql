-- own-key: a database that was restored; until it is released no money leaves it
create table recoveries (
  recovery_id uuid        not null,
  taken_at    timestamptz not null,  -- when the backup was taken
  restored_at timestamptz not null,
  released_at timestamptz,
  released_by text        not null default '',
  constraint recoveries_pkey primary key (recovery_id),
  constraint recoveries_released_by_somebody check ((released_at is null) = (released_by = ''))
);

-- own-key: whom we asked since, so that nothing is forgotten
create table recovery_answers (
  recovery_id uuid        not null,
  asked       text        not null,  -- a rail, or the bank
  answered_at timestamptz not null,
  constraint recovery_answers_pkey primary key (recovery_id, asked)
);
