-- What 0264 asks of a closing holds of those that were.
alter table shop_closings validate constraint shop_closings_owed_is_a_sum;
