-- A shop tells its story and since when it trades; its page may move to another address.
alter table shops
  add column story       text    not null default '',
  add column since_year  integer,  -- when the trade began; null: when the shop opened here
  add column since_month integer,  -- null: the year says enough
  add constraint shops_story_length check (length(story) <= 2000),
  add constraint shops_since_sane
    check (since_year between 1000 and 9999 and since_month between 1 and 12),
  add constraint shops_since_month_has_year
    check (since_month is null or since_year is not null);

-- how many addresses a shop has taken
create index slugs_of_shop on slugs (shop_id);
