-- What 0267 added holds for every line.
alter table resold_products validate constraint resold_products_words_sane;
alter table order_items validate constraint order_items_sold_as_sane;
