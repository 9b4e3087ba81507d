-- What 0236 asks of new messages holds for the old ones.
alter table messages validate constraint messages_channel_known;
alter table messages validate constraint messages_address_fits_channel;
