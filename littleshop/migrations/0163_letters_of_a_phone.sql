-- Letters that ask to be paid, found by the phone their writer named: for that phone's own page. The
-- number itself is sealed; this is its blind index, empty where no phone was named.
alter table invitations add column phone_index bytea;
create index invitations_of_phone on invitations (phone_index, sent_at desc)
  where phone_index is not null;
