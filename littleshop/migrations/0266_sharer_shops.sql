-- tenant: what this shop knows of a shop that its sharers share for: who owns it, whether it can earn
-- (open, nobody stopped its payouts), and who works there, for nobody earns of a colleague's purchase.
-- Carried here by a job, so that paying an order looks at no other shop.
create table sharer_shops (
  shop_id        bigint      not null,
  earner_shop_id bigint      not null,
  owner_id       uuid        not null,
  currency       text        not null,
  earns          boolean     not null,
  crew           uuid[]      not null,
  crew_phones    bytea[]     not null,  -- blind indexes
  looked_at      timestamptz not null,
  constraint sharer_shops_pkey primary key (shop_id, earner_shop_id),
  constraint sharer_shops_of_shop foreign key (shop_id) references shops (shop_id),
  constraint sharer_shops_of_another check (earner_shop_id <> shop_id)
);

insert into sharer_shops
select distinct on (s.shop_id, s.earner_shop_id) s.shop_id, s.earner_shop_id, t.person_id, e.currency,
       e.status = 'open' and not exists (
         select from payout_holds h where h.shop_id = e.shop_id and h.kind <> 'card_changed'
            and h.lifted_at is null and h.until_at is null),
       array(select c.person_id from staff c where c.shop_id = e.shop_id order by 1),
       array(select p.phone_index from staff c join people p on p.person_id = c.person_id
              where c.shop_id = e.shop_id order by 1),
       s.starts_at
  from sharers s
  join shops e on e.shop_id = s.earner_shop_id
  join staff t on t.shop_id = e.shop_id and t.role = 'owner'
 order by s.shop_id, s.earner_shop_id, s.starts_at desc;

-- What a device said has a term (social/referrals.py).
grant delete on sharers to littleshop_app;
create index sharers_in_time on sharers (starts_at);
