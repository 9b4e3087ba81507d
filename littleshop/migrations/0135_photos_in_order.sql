-- Photos of one line of a case are shown in the order they were given; those of before keep the
-- order they were shown in.

alter table case_photos add column position integer not null default 0;
update case_photos p set position = o.position
  from (select shop_id, case_id, photo_id,
               row_number() over (partition by shop_id, case_id, event_id order by photo_id) - 1
                 as position
          from case_photos) o
 where o.shop_id = p.shop_id and o.case_id = p.case_id and o.photo_id = p.photo_id;
alter table case_photos alter column position drop default;
alter table case_photos add constraint case_photos_position_counted check (position >= 0);
alter table case_photos add constraint case_photos_position_once
  unique (shop_id, case_id, event_id, position);
