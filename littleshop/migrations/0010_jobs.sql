-- local: what is to be done now, outside of the transaction that asked for it.
-- One column says when a job may be taken: while nobody has it, when it is due; while a worker
-- has it, when his lease ends. So a job of a dead worker is taken again by the same statement.
create table jobs (
  id          uuid        not null,
  name        text        not null,
  arguments   jsonb       not null,
  once_key    text,                  -- set while not begun: a twin that asks for the same joins it
  deferred_at timestamptz not null,
  due_at      timestamptz not null,
  attempts    integer     not null,
  taken_by    uuid,                  -- the worker's turn, so that a lost lease cannot finish it
  fault       text,                  -- what the last attempt said
  held_at     timestamptz,           -- given up; waits for a person
  dropped_at  timestamptz,           -- a person decided that it need not be done
  dropped_why text,
  constraint jobs_pkey primary key (id),
  constraint jobs_once unique (name, once_key),
  constraint jobs_named check (name <> ''),
  constraint jobs_attempts_counted check (attempts >= 0),
  constraint jobs_held_or_taken check (held_at is null or taken_by is null),
  constraint jobs_held_has_fault check (held_at is null or fault is not null),
  constraint jobs_dropped_with_reason check (
    (dropped_at is null) = (dropped_why is null) and (dropped_at is null or held_at is not null)
  )
);
create index jobs_due on jobs (due_at, id) where held_at is null;
create index jobs_held on jobs (held_at) where held_at is not null and dropped_at is null;

-- local: when each thing of the timetable is to be deferred next
create table timetable (
  name    text        not null,
  next_at timestamptz not null,
  constraint timetable_pkey primary key (name)
);
