-- A search looks through what was written on orders last: read off the end of an index.
create index order_notes_newest on order_notes (shop_id, at desc, note_id desc);
