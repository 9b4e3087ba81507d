-- The demo's player notes what is done, so that a second start goes on where a kill left it.

-- local: steps of the demo town that are done; `begun` holds the moment to which its past leads
create table town_steps (
  name    text        not null,
  done_at timestamptz not null,
  constraint town_steps_pkey primary key (name)
);
