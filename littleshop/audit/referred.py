"""Proof of what sharers earn: agreed before it was sold, of what their shares brought, frozen until
the after-sale window is over, then theirs, and the same in both books (between.py too)."""

from __future__ import annotations

# Of orders `o`, their fees `f` and the fee of what is released, `fee`: what the two levels have of
# that, as sale/sharing_out.py says it.
GIVEN = """
      left join referrals g1 on g1.shop_id = o.shop_id and g1.order_id = o.order_id
       and g1.level = 1
      left join referrals g2 on g2.shop_id = o.shop_id and g2.order_id = o.order_id
       and g2.level = 2
     cross join lateral fee_of(o.total_minor, coalesce(f.rate_bps, o.commission_bps),
                               coalesce(f.fixed_minor, 0), coalesce(f.lowest_minor, 0),
                               f.highest_minor) as whole_fee
     cross join lateral referrals_due(g1.amount_minor, g2.amount_minor, o.total_minor - whole_fee,
                                      o.released_minor - fee) as given"""
_EARNING = f"""
          from orders o
          left join order_fees f on f.shop_id = o.shop_id and f.order_id = o.order_id
         cross join lateral fee_of(o.released_minor, coalesce(f.rate_bps, o.commission_bps),
                                   coalesce(f.fixed_minor, 0), coalesce(f.lowest_minor, 0),
                                   f.highest_minor) as fee{GIVEN}
         where o.share_code is not null and o.released_minor > 0
           and ($1::bigint is null or o.shop_id = $1)"""

_HELD_IS_FROZEN = f"""
    select coalesce(a.shop_id, e.shop_id) as shop_id, 'referral_held' as subject,
           'account ' || coalesce(a.minor, 0) || ', frozen of orders ' || coalesce(e.minor, 0)
           as says
      from (select shop_id, currency, credits_minor - debits_minor as minor from accounts
             where account = 'referral_held' and ($1::bigint is null or shop_id = $1)) a
      full join (
        select o.shop_id, o.currency, sum(given.first_due + given.second_due) as minor
        {_EARNING} and o.status <> 'closed'
         group by o.shop_id, o.currency) e
        on e.shop_id = a.shop_id and e.currency = a.currency
     where coalesce(a.minor, 0) <> coalesce(e.minor, 0)"""

# What is not frozen any more is owed to the shops that earned it, less what went back since.
_GOES_TO_ITS_SHARER = f"""
    select coalesce(m.shop_id, e.shop_id) as shop_id, coalesce(m.order_id, e.order_id) as subject,
           'shop ' || coalesce(m.other_id, e.earner_shop_id) || ' has '
           || coalesce(m.minor, 0) || ' of it, earned ' || coalesce(e.minor, 0) as says
      from (select j.shop_id, j.order_id, split_part(m.account, ':', 2)::bigint as other_id,
                   sum(m.sign * t.amount_minor) as minor
              from journals j
              join transfers t on t.shop_id = j.shop_id and t.journal_id = j.journal_id
              join orders o on o.shop_id = j.shop_id and o.order_id = j.order_id
               and o.share_code is not null and o.kind <> 'resale'
             cross join lateral (values (t.credit, 1), (t.debit, -1)) as m(account, sign)
             where j.kind in ('referral_released', 'clawed_back')
               and (m.account like 'due_to_shop:%' or m.account like 'due_from_shop:%')
               and ($1::bigint is null or j.shop_id = $1)
             group by j.shop_id, j.order_id, 3) m
      full join (
        select one.shop_id, one.order_id, g.earner_shop_id,
               case g.level when 1 then one.first_due else one.second_due end as minor
          from (select o.shop_id, o.order_id, given.first_due, given.second_due
                {_EARNING} and o.status = 'closed') one
          join referrals g on g.shop_id = one.shop_id and g.order_id = one.order_id) e
        on e.shop_id = m.shop_id and e.order_id = m.order_id and e.earner_shop_id = m.other_id
     where coalesce(m.minor, 0) <> coalesce(e.minor, 0)"""

# It was sold by that share, to somebody else, at rates that held when it was ordered. What a device
# said is forgotten three years after what it brought last (social/referrals.py).
_WAS_AGREED = """
    select g.shop_id, g.order_id as subject, 'level ' || g.level || ' earns ' || g.amount_minor
           || ' of ' || g.base_minor || ' that nobody agreed to, or by no share' as says
      from referrals g
      join orders o on o.shop_id = g.shop_id and o.order_id = g.order_id
      left join share_descents d on d.shop_id = o.shop_id and d.code = o.share_code
      left join shares h on h.shop_id = g.shop_id and h.code = g.code
      left join lateral (
        select x.earner_shop_id, x.starts_at as said_at from sharers x
         where x.shop_id = g.shop_id and x.device = h.device and x.starts_at <= o.placed_at
         order by x.starts_at desc limit 1) s on true
      left join lateral (
        select sum(l.base_minor) as base, sum(l.base_minor * l.rate_bps) as parts,
               bool_and(l.rate_bps = coalesce(case g.level when 1 then x.first_bps
                                                           else x.second_bps end,
                                              case g.level when 1 then t.first_bps
                                                           else t.second_bps end)) as as_said
          from referral_lines l
          join order_items i on i.shop_id = l.shop_id and i.order_id = l.order_id
           and i.position = l.position
          left join lateral (
            select y.first_bps, y.second_bps from referral_terms y
             where y.shop_id = l.shop_id and y.starts_at <= o.placed_at
             order by y.starts_at desc limit 1) t on true
          left join lateral (
            select y.first_bps, y.second_bps from referral_exceptions y
             where y.shop_id = l.shop_id and y.product_id = i.product_id
               and y.starts_at <= o.placed_at order by y.starts_at desc limit 1) x on true
         where l.shop_id = g.shop_id and l.order_id = g.order_id and l.level = g.level) p on true
     where ($1::bigint is null or g.shop_id = $1)
       and (o.paid_at is null or o.kind not in ('checkout', 'team', 'gift', 'pay_for_me')
         or g.code is distinct from case g.level when 1 then o.share_code else d.parent_code end
         or (s.earner_shop_id is distinct from g.earner_shop_id
             and not (s.said_at is null and coalesce(g.fixed_at <
                      ((select max(day) from closed_days where shop_id = 0) - 1098)::timestamptz,
                      false)))
         or p.as_said is not true or p.base is distinct from g.base_minor
         or g.base_minor > o.total_minor - o.shipping_minor
         or div(p.parts, 10000) <> g.amount_minor
         or exists (select from referral_stops z where z.shop_id = g.shop_id
                       and z.stopped_at <= o.placed_at
                       and (z.lifted_at is null or z.lifted_at > o.placed_at))
         or exists (select from referral_stops z where z.shop_id = 0
                       and z.stopped_at <= o.placed_at
                       and (z.lifted_at is null or z.lifted_at > o.placed_at))
         or exists (select from payments y where y.shop_id = g.shop_id
                       and y.order_id = g.order_id and y.outcome = 'accepted'
                       and y.held_for is not null))"""

# The shop that earns knows it as it was fixed.
_EARNED_IS_ITS_REFERRAL = """
    select /* all shops: a referral stands in two of them */
           coalesce(g.earner_shop_id, m.shop_id) as shop_id,
           coalesce(g.order_id, m.order_id) as subject,
           'earns ' || coalesce(m.amount_minor, 0) || ', its order says '
           || coalesce(g.amount_minor, 0) as says
      from (select * from referrals
             where $1::bigint is null or $1 in (shop_id, earner_shop_id)) g
      full join (select * from earned_referrals
                  where $1::bigint is null or $1 in (shop_id, from_shop_id)) m
        on m.shop_id = g.earner_shop_id and m.from_shop_id = g.shop_id
       and m.order_id = g.order_id
     where (g.amount_minor, g.level) is distinct from (m.amount_minor, m.level)
       and not exists (
             select from jobs b where b.held_at is null
                and b.arguments ->> 'order_id' = coalesce(g.order_id, m.order_id)::text)"""

RULES = {
    "referral_held_is_frozen": _HELD_IS_FROZEN,
    "referral_goes_to_its_sharer": _GOES_TO_ITS_SHARER,
    "referral_was_agreed": _WAS_AGREED,
    "earned_is_its_referral": _EARNED_IS_ITS_REFERRAL,
}
