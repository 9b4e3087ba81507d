-- What a buyer and a seller say to each other about a shop, a product, an order or a wish
-- (docs/decisions/0045-conversations.md). The thread of a wish becomes one of them, under its id.

-- tenant
create table conversations (
  shop_id         bigint      not null,
  conversation_id uuid        not null,  -- derived from what it is about and who began; a wish's own
  about           text        not null,
  subject         uuid,                  -- the product, order or wish; nothing: the shop itself
  role            text        not null default 'buyer',  -- of an order: whose it is
  token_hash      bytea       not null,
  name            text        not null default '',  -- as the buyer wants to be called
  phone_index     bytea,                 -- of a phone that was proven; blind index
  phone_sealed    bytea,                 -- where an answer is told
  locale          text        not null,
  opened_at       timestamptz not null,
  said_at         timestamptz not null,  -- the last remark
  said_by         text        not null default 'buyer',
  last            integer     not null default 0,  -- its position
  buyer_seen      integer     not null default 0,
  seller_seen     integer     not null default 0,
  told_at         timestamptz,           -- the buyer, by SMS; empty again as soon as he says something
  constraint conversations_pkey primary key (shop_id, conversation_id),
  constraint conversations_of_shop foreign key (shop_id) references shops (shop_id),
  constraint conversations_token_once unique (shop_id, token_hash),
  constraint conversations_about_known check (about in ('shop', 'product', 'order', 'wish')),
  constraint conversations_subject_said check ((about = 'shop') = (subject is null)),
  constraint conversations_role_known check (
    case when about = 'order' then role in ('chooser', 'recipient') else role = 'buyer' end),
  constraint conversations_said_by_known check (said_by in ('buyer', 'seller')),
  constraint conversations_name_length check (length(name) <= 40),
  constraint conversations_index_has_phone check (phone_index is null or phone_sealed is not null),
  constraint conversations_seen_sane check (
    buyer_seen between 0 and last and seller_seen between 0 and last)
) with (fillfactor = 80);
create index conversations_of_seller on conversations (shop_id, said_at desc, conversation_id);

-- tenant: what one of the two said, in order; a letter that was sent is said too
create table remarks (
  shop_id         bigint      not null,
  conversation_id uuid        not null,
  position        integer     not null,
  remark_id       uuid        not null,  -- the form's own: a second press finds the first
  by_whom         text        not null,
  person_id       uuid,                  -- who of the shop
  words           text        not null default '',
  photo           text,                  -- a private file
  letter_id       uuid,                  -- an invitation to pay
  at              timestamptz not null,
  constraint remarks_pkey primary key (shop_id, conversation_id, position),
  constraint remarks_once unique (shop_id, conversation_id, remark_id),
  constraint remarks_of_conversation foreign key (shop_id, conversation_id)
    references conversations (shop_id, conversation_id),
  constraint remarks_by_known check (by_whom in ('buyer', 'seller')),
  constraint remarks_say_something check (
    words <> '' or photo is not null or letter_id is not null),
  constraint remarks_length check (length(words) <= 2000),
  constraint remarks_not_endless check (position between 1 and 1000)
);

-- tenant: the devices on which a conversation is the buyer's own
create table conversation_devices (
  shop_id         bigint not null,
  conversation_id uuid   not null,
  device          bytea  not null,
  constraint conversation_devices_pkey primary key (shop_id, conversation_id, device),
  constraint conversation_devices_of_conversation foreign key (shop_id, conversation_id)
    references conversations (shop_id, conversation_id)
);
create index conversation_devices_by_device on conversation_devices (shop_id, device);

-- tenant: from whom a shop wants to hear nothing: a device, or the blind index of a proven phone
create table conversation_blocks (
  shop_id         bigint      not null,
  who             bytea       not null,
  conversation_id uuid        not null,  -- where it was pressed, and is taken back
  person_id       uuid        not null,  -- who pressed
  blocked_at      timestamptz not null,
  constraint conversation_blocks_pkey primary key (shop_id, who),
  constraint conversation_blocks_of_conversation foreign key (shop_id, conversation_id)
    references conversations (shop_id, conversation_id)
);
create index conversation_blocks_of_one on conversation_blocks (shop_id, conversation_id);

-- tenant: what a shop says often
create table quick_answers (
  shop_id   bigint      not null,
  answer_id uuid        not null,
  words     text        not null,
  added_at  timestamptz not null,
  constraint quick_answers_pkey primary key (shop_id, answer_id),
  constraint quick_answers_of_shop foreign key (shop_id) references shops (shop_id),
  constraint quick_answers_length check (length(words) between 1 and 300)
);

-- The threads of wishes: their words, and the letters that answered, in the order they came.
insert into conversations (shop_id, conversation_id, about, subject, token_hash, name, phone_sealed,
  locale, opened_at, said_at, said_by)
select shop_id, wish_id, 'wish', wish_id, token_hash, name, phone_sealed, locale, created_at, said_at,
  said_by
  from wishes;
insert into remarks (shop_id, conversation_id, position, remark_id, by_whom, words, photo, letter_id,
  at)
select shop_id, wish_id, row_number() over (partition by shop_id, wish_id order by at, place),
  remark_id, by_whom, words, photo, letter_id, at
  from (
    select shop_id, wish_id, word_id as remark_id, by_whom, words, photo, null::uuid as letter_id, at,
      position as place
      from wish_words
    union all
    select shop_id, wish_id, invitation_id, 'seller', '', null, invitation_id, sent_at, 1000
      from invitations where wish_id is not null and sent_at is not null
  ) as said;
update conversations c set last = n.last,
  buyer_seen = case when c.said_by = 'buyer' then n.last else 0 end,
  seller_seen = case when c.said_by = 'seller' then n.last else 0 end
  from (select shop_id, conversation_id, max(position) as last from remarks
         group by shop_id, conversation_id) as n
 where n.shop_id = c.shop_id and n.conversation_id = c.conversation_id;
insert into conversation_devices (shop_id, conversation_id, device)
select shop_id, wish_id, device from wishes;

drop table wish_words;
drop index wishes_of_seller;
alter table wishes drop column said_at, drop column said_by;
