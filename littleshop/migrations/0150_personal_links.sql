-- A link for one named friend: it names him, greets him when the sharer agreed, and runs out.
-- A sharer has one such link for each friend and thing; asking again gives it another week.

alter table shares
  add column friend     text not null default '',  -- personal: whom it is for, as the sharer says
  add column sender     text not null default '',  -- personal: who greets; '' he did not agree
  add column expires_at timestamptz;               -- personal: neither greeting nor credit after it

alter table shares
  drop constraint shares_once,
  add constraint shares_once unique nulls not distinct
    (shop_id, product_id, channel, label, device, person_id, friend),
  drop constraint shares_channel_shape,
  add constraint shares_channel_shape check (channel ~ '^[a-z_]{1,24}$'),  -- x is a name too
  add constraint shares_friend_length check (length(friend) <= 20),
  add constraint shares_sender_length check (length(sender) <= 20),
  add constraint shares_personal_whole check (
    (friend <> '') = (channel = 'personal')
    and (expires_at is not null) = (channel = 'personal')
    and (sender = '' or channel = 'personal')
  );
