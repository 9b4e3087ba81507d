"""Proof of what sellers owe one another: both books say the same, to the fen and the day."""

from __future__ import annotations

# What the books of one shop say of another, by the name that the other's journal has for it: of a
# supplier what he owes, of a debtor what he passed on.
_OWN = """
    (select j.shop_id, split_part(m.account, ':', 2)::bigint as other_id, t.currency, j.value_on,
            case j.kind when 'received' then 'margin' when 'referral_released' then 'referral'
                        when 'clawed_back' then case when r.order_id is null then 'referral_back'
                                                     else 'margin_back' end
                        else 'came_over' end as kind,
            case j.kind when 'passed_on' then split_part(j.reference, '/', 2)
                        else j.reference end as key,
            sum(t.amount_minor) as minor
       from journals j
       join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
       left join resales r on r.shop_id = j.shop_id and r.order_id = j.order_id
      cross join lateral (values (case when t.credit like 'due_to_shop:%' then t.credit
                                       else t.debit end)) as m(account)
      where j.kind in ('received', 'referral_released', 'clawed_back', 'passed_on')
        and (m.account like 'due_to_shop:%' or m.account like 'due_from_shop:%')
      group by 1, 2, 3, 4, 5, 6)"""
_THEIRS = """
    (select split_part(j.reference, '/', 1)::bigint as shop_id, j.shop_id as other_id, t.currency,
            j.value_on, j.kind, split_part(j.reference, '/', 2) as key,
            sum(t.amount_minor) as minor
       from journals j
       join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
      where j.kind in ('margin', 'margin_back', 'referral', 'referral_back', 'came_over')
      group by 1, 2, 3, 4, 5, 6)"""

# Each journal has its other half, once its job is done.
_BOTH_SIDES = f"""
    select /* all shops: two of them say it */
           coalesce(o.shop_id, t.shop_id) as shop_id, coalesce(o.key, t.key) as subject,
           coalesce(o.kind, t.kind) || ' ' || coalesce(o.minor, 0) || ' here, '
           || coalesce(t.minor, 0) || ' in the books of shop '
           || coalesce(o.other_id, t.other_id) as says
      from {_OWN} o
      full join {_THEIRS} t
        on t.shop_id = o.shop_id and t.other_id = o.other_id and t.kind = o.kind and t.key = o.key
       and t.currency = o.currency and t.value_on = o.value_on
     where coalesce(o.minor, 0) <> coalesce(t.minor, 0)
       and ($1::bigint is null or $1 in (o.shop_id, o.other_id, t.shop_id, t.other_id))
       and not exists (
             select from jobs b where b.held_at is null and b.arguments ->> 'reference'
                = coalesce(o.shop_id, t.shop_id) || '/' || coalesce(o.key, t.key))"""

# Of the days that are closed no job is under way any more: what one owes is what the other is owed.
_CLOSED_DAYS_ARE_EVEN = """
    select /* all shops: of closed days only */
           one.shop_id, one.other_id::text as subject,
           'owes ' || sum(one.owes) || ' by the last closed day, there it is owed '
           || sum(one.owed) as says
      from (select j.shop_id, split_part(m.account, ':', 2)::bigint as other_id, t.currency,
                   m.sign * t.amount_minor as owes, 0 as owed
              from journals j
              join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
             cross join lateral (values (t.credit, 1), (t.debit, -1)) as m(account, sign)
             where j.value_on <= (select max(day) from closed_days where shop_id = 0)
               and (m.account like 'due_to_shop:%' or m.account like 'due_from_shop:%')
             union all
            select split_part(m.account, ':', 2)::bigint, j.shop_id, t.currency,
                   0, m.sign * t.amount_minor
              from journals j
              join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
             cross join lateral (values (t.credit, -1), (t.debit, 1)) as m(account, sign)
             where j.value_on <= (select max(day) from closed_days where shop_id = 0)
               and (m.account like 'due_to_shop:%' or m.account like 'due_from_shop:%')) one
     where $1::bigint is null or $1 in (one.shop_id, one.other_id)
     group by one.shop_id, one.other_id, one.currency
    having sum(one.owes) <> sum(one.owed)"""

# Who sold an order knows it as it is: the margin that was agreed, of what the buyer was to pay.
_MIRROR_IS_ITS_ORDER = """
    select /* all shops: a sale stands in two of them */
           coalesce(r.sold_by_shop_id, m.shop_id) as shop_id,
           coalesce(r.order_id, m.order_id) as subject,
           'margin ' || coalesce(m.margin_minor, 0) || ' of ' || coalesce(m.total_minor, 0)
           || ' in order ' || coalesce(m.order_number, 0)
           || ', its order says ' || coalesce(r.margin_minor, 0) || ' of '
           || coalesce(r.total_minor, 0) || ' in ' || coalesce(r.number, 0) as says
      from (select r.shop_id, r.order_id, r.sold_by_shop_id, r.margin_minor, o.total_minor,
                   o.number
              from resales r
              join orders o on o.shop_id = r.shop_id and o.order_id = r.order_id
             where $1::bigint is null or $1 in (r.shop_id, r.sold_by_shop_id)) r
      full join (select * from resold_orders
                  where $1::bigint is null or $1 in (shop_id, from_shop_id)) m
        on m.shop_id = r.sold_by_shop_id and m.from_shop_id = r.shop_id
       and m.order_id = r.order_id
     where (r.margin_minor, r.total_minor, r.number)
           is distinct from (m.margin_minor, m.total_minor, m.order_number)
       and not exists (
             select from jobs b where b.held_at is null
                and b.arguments ->> 'order_id' = coalesce(r.order_id, m.order_id)::text)"""

RULES = {
    "owed_on_both_sides": _BOTH_SIDES,
    "closed_days_are_even": _CLOSED_DAYS_ARE_EVEN,
    "mirror_is_its_order": _MIRROR_IS_ITS_ORDER,
}
