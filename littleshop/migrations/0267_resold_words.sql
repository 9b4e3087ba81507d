-- A re-seller's own title and text of what another shop ships; empty: the supplier's, as they are now.
alter table resold_products
  add column own_title       text not null default '',
  add column own_description text not null default '',
  add constraint resold_products_words_sane check (
    length(own_title) <= 120 and length(own_description) <= 10000) not valid;

-- What a line is called where it was bought, when who ships it calls it otherwise: the buyer reads
-- this, whoever packs it reads `title`.
alter table order_items
  add column sold_as text,
  add constraint order_items_sold_as_sane check (length(sold_as) between 1 and 120) not valid;
