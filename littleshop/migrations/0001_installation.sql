-- What an installation knows of itself, and the role under which the program works.
-- Each table is tenant, reference, own-key or local (docs/decisions/0003-sql-for-citus.md).

do $$
begin
  if not exists (select from pg_roles where rolname = 'littleshop_app') then
    create role littleshop_app nologin;
  end if;
  execute format('grant littleshop_app to %I', current_user);
end
$$;

grant usage on schema public to littleshop_app;
-- New tables: the program may do everything; the books take UPDATE and DELETE back below.
alter default privileges in schema public grant select, insert, update, delete on tables to littleshop_app;
alter default privileges in schema public grant usage, select on sequences to littleshop_app;

-- reference: mode, key fingerprint, clock offset
create table installation (
  name  text not null,
  value text not null,
  constraint installation_pkey primary key (name)
);

-- reference: working days that the calendar package does not know (State Council's yearly notice)
create table calendar_overrides (
  day     date    not null,
  working boolean not null,
  reason  text    not null,
  constraint calendar_overrides_pkey primary key (day),
  constraint calendar_overrides_reason_said check (length(reason) > 0)
);
