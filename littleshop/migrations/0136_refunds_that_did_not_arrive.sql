-- A refund that a rail could not deliver waits for an operator, who finds another way. One that
-- failed after it was done has come back to us; another one takes its place.

alter table refunds
  add column replaces uuid,                          -- the failed one that this one stands for
  add column redirect text not null default '',      -- an abnormal refund: to the buyer's card, to us
  add column done_by  text not null default 'rail',  -- or by hand, from our own bank account
  add column stuck_at timestamptz,
  add column failed_at timestamptz,
  add constraint refunds_replaces_once unique (shop_id, replaces),
  add constraint refunds_redirect_known check (redirect in ('', 'asking_card', 'card', 'asking_us', 'us')),
  add constraint refunds_done_by_known check (done_by in ('rail', 'hand')),
  add constraint refunds_stuck_dated check (status <> 'stuck' or stuck_at is not null),
  add constraint refunds_failed_dated check ((status = 'failed') = (failed_at is not null));
alter table refunds drop constraint refunds_status_known;
alter table refunds add constraint refunds_status_known check (
  status in ('asked', 'stuck', 'done', 'failed'));
alter table refunds drop constraint refunds_done_dated;
alter table refunds add constraint refunds_done_dated check (
  case status when 'done' then done_at is not null
              when 'failed' then true else done_at is null end);
create index refunds_stuck on refunds (stuck_at) where status = 'stuck';
