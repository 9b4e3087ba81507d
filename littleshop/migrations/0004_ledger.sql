-- The books: double entry per shop; they only grow. tenant tables.

create table accounts (
  shop_id       bigint not null,
  account       text   not null,  -- escrow, payable, gateway_clearing:alipay ... (ledger/chart.py)
  currency      text   not null,
  side          text   not null,  -- the side on which its balance grows
  debits_minor  bigint not null default 0,
  credits_minor bigint not null default 0,
  constraint accounts_pkey primary key (shop_id, account, currency),
  constraint accounts_side_known check (side in ('debit', 'credit')),
  constraint accounts_sums_not_negative check (debits_minor >= 0 and credits_minor >= 0),
  constraint accounts_only_payable_below_zero check (
    account = 'payable'
    or (side = 'credit' and credits_minor >= debits_minor)
    or (side = 'debit' and debits_minor >= credits_minor))
) with (fillfactor = 70);

create table journals (
  shop_id    bigint      not null,
  journal_id uuid        not null,
  kind       text        not null,
  reference  text        not null,
  order_id   uuid,
  value_on   date        not null,
  booked_at  timestamptz not null,
  digest     text        not null,  -- of the transfers, so that a repeat with other content is seen
  constraint journals_pkey primary key (shop_id, journal_id),
  constraint journals_reference_once unique (shop_id, kind, reference)
);
create index journals_of_order on journals (shop_id, order_id) where order_id is not null;
create index journals_by_value_date on journals (shop_id, value_on);

create table transfers (
  shop_id      bigint   not null,
  journal_id   uuid     not null,
  position     smallint not null,
  debit        text     not null,
  credit       text     not null,
  amount_minor bigint   not null,
  currency     text     not null,
  constraint transfers_pkey primary key (shop_id, journal_id, position),
  constraint transfers_of_journal foreign key (shop_id, journal_id)
    references journals (shop_id, journal_id),
  constraint transfers_amount_positive check (amount_minor > 0),
  constraint transfers_between_two_accounts check (debit <> credit)
);

-- The program adds to the books and cannot change them.
revoke update, delete, truncate on journals, transfers from littleshop_app;
revoke delete, truncate on accounts from littleshop_app;

-- One journal in one round trip: 'posted', 'known' (the same again) or 'conflict'.
create function post_journal(
  p_shop_id bigint, p_journal_id uuid, p_kind text, p_reference text, p_order_id uuid,
  p_value_on date, p_booked_at timestamptz, p_digest text, p_currency text,
  p_debits text[], p_credits text[], p_amounts bigint[], p_accounts text[], p_sides text[]
) returns text language plpgsql as $$
declare
  known text;
begin
  insert into accounts (shop_id, account, currency, side)
  select p_shop_id, a.account, p_currency, a.side
    from unnest(p_accounts, p_sides) as a(account, side)
   order by a.account
  on conflict on constraint accounts_pkey do nothing;

  perform from accounts
   where shop_id = p_shop_id and account = any (p_accounts) and currency = p_currency
   order by account for update;

  select digest into known from journals
   where shop_id = p_shop_id and kind = p_kind and reference = p_reference;
  if found then
    return case when known = p_digest then 'known' else 'conflict' end;
  end if;

  insert into journals
    (shop_id, journal_id, kind, reference, order_id, value_on, booked_at, digest)
  values (p_shop_id, p_journal_id, p_kind, p_reference, p_order_id, p_value_on, p_booked_at,
          p_digest);

  insert into transfers (shop_id, journal_id, position, debit, credit, amount_minor, currency)
  select p_shop_id, p_journal_id, t.position, t.debit, t.credit, t.amount, p_currency
    from unnest(p_debits, p_credits, p_amounts) with ordinality
         as t(debit, credit, amount, position);

  update accounts
     set debits_minor = debits_minor + moved.debits,
         credits_minor = credits_minor + moved.credits
    from (select account, sum(debits)::bigint as debits, sum(credits)::bigint as credits
            from (select debit as account, amount as debits, 0 as credits
                    from unnest(p_debits, p_amounts) as d(debit, amount)
                  union all
                  select credit, 0, amount from unnest(p_credits, p_amounts) as c(credit, amount)
                 ) as both_sides
           group by account) as moved
   where accounts.shop_id = p_shop_id and accounts.account = moved.account
     and accounts.currency = p_currency;
  return 'posted';
end
$$;
