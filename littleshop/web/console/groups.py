"""Groups of customers in the console: rules with a name, who is in them, what they have."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import db, http, i18n
from littleshop.customers import customers, groups, privileges
from littleshop.customers.groups import Group, Rule
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.money import Money
from littleshop.shop.shops import tidy
from littleshop.web import forms, pages
from littleshop.web.console import frame, people
from littleshop.web.console import privileges as giving
from littleshop.web.forms import Form

FIELDS = ("name", "orders", "spent", "tag", "after", "before", "quiet")


async def listed(request: Request) -> Response:
    """GET root/groups"""
    return await _show(request, await http.at_work(request), {}, {})


async def _show(
    request: Request, work: AtWork, typed: dict[str, str], errors: dict[str, str]
) -> Response:
    async with http.house(request).database.connection() as conn:
        rows = await groups.listing(conn, work.shop.shop_id, http.now(request))
    return await frame.page(
        request,
        work,
        "groups.html",
        "people",
        status=422 if errors else 200,
        rows=[_row(request, work, each) for each in rows],
        form=typed,
        errors=errors,
        form_key=typed.get("form_key") or str(uuid4()),
        sign=i18n.SIGNS.get(work.shop.currency, work.shop.currency),
        may_give=True,
    )


def _row(request: Request, work: AtWork, each: Group) -> dict[str, Any]:
    locale, shop = pages.locale_of(request), work.shop
    today = http.now(request).date()

    def day(at: date) -> str:
        return i18n.day(locale, at, today)

    said: list[tuple[object, str, dict[str, object]]] = [
        (each.least_orders, "orders", {"count": each.least_orders}),
        (each.least_spent, "spent", {"amount": Money(each.least_spent or 0, shop.currency)}),
        (each.tag, "tag", {"tag": each.tag}),
        (each.seen_after, "after", {"day": day(each.seen_after or today)}),
        (each.seen_before, "before", {"day": day(each.seen_before or today)}),
        (each.quiet_days, "quiet", {"count": each.quiet_days}),
    ]
    rule = [
        i18n.t(locale, f"privileges.rule.{name}", **facts)
        for value, name, facts in said
        if value is not None
    ]
    return {
        "name": each.name,
        "rule": i18n.t(locale, "words.comma").join(rule),
        "count": each.count,
        "url": f"{frame.root(shop)}/groups/{each.group_id}",
    }


async def make(request: Request) -> Response:
    """POST root/groups: name, orders, spent, tag, after, before, quiet"""
    work, form = await http.at_work(request), await forms.read(request)
    group_id, at = forms.key(form.text("form_key", 64), uuid4()), http.now(request)
    try:
        name, rule = tidy(form.text("name", 200)), _rule(work, form)
        await http.house(request).database.transaction(
            lambda conn: groups.make(conn, work.shop.shop_id, group_id, name, rule, at)
        )
    except Refused as no:
        field = {"group_name": "name", "privilege_day": "after", "group_days": "before"}
        said = {field.get(no.code, "orders"): frame.sentence(request, no)}
        return await _show(request, work, form.typed(*FIELDS, "form_key"), said)
    return frame.go(request, f"{frame.root(work.shop)}/groups/{group_id}", "group_made", name=name)


def _rule(work: AtWork, form: Form) -> Rule:
    """Raises Refused: group_number, privilege_day, what amounts raise."""
    spent = form.text("spent", 64).strip()
    return Rule(
        least_orders=_number(form.text("orders", 8), 10_000),
        least_spent=forms.fee(spent, work.shop.currency) if spent else None,
        tag=tidy(form.text("tag", 20)) or None,
        seen_after=_day(form.text("after", 10)),
        seen_before=_day(form.text("before", 10)),
        quiet_days=_number(form.text("quiet", 8), 3650),
    )


def _number(text: str, most: int) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or not 1 <= int(text) <= most:
        raise Refused("group_number", most=most)
    return int(text)


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refused("privilege_day") from None


async def one(request: Request) -> Response:
    """GET root/groups/ID: who is in it, and what they have"""
    work = await http.at_work(request)
    return await _one(request, work, http.uuid(request.path_params["group_id"]))


async def _one(request: Request, work: AtWork, group_id: UUID) -> Response:
    house, shop_id, at = http.house(request), work.shop.shop_id, http.now(request)
    async with house.database.connection() as conn:
        found = await _found(conn, shop_id, group_id, request)
        members = await customers.of_group(conn, shop_id, group_id, at)
        given = await privileges.listing(conn, shop_id, group_id=group_id)
    return await frame.page(
        request,
        work,
        "group.html",
        "people",
        group=_row(request, work, found),
        people=[people.row(each, frame.root(work.shop), house.keyring) for each in members],
        privileges=giving.shown(request, work, [each for each in given if not each.ended_at]),
        give_url=f"{frame.root(work.shop)}/privileges/new?for={group_id}",
        may_give=True,
    )


async def _found(conn: db.Connection, shop_id: int, group_id: UUID, request: Request) -> Group:
    rows = await groups.listing(conn, shop_id, http.now(request), group_id)
    if not rows:
        raise NotFound("group")
    return rows[0]


async def remove(request: Request) -> Response:
    """POST root/groups/ID/removal"""
    work, at = await http.at_work(request), http.now(request)
    group_id = http.uuid(request.path_params["group_id"])
    await http.house(request).database.transaction(
        lambda conn: groups.remove(conn, work.shop.shop_id, group_id, at)
    )
    return frame.go(request, f"{frame.root(work.shop)}/groups", "group_removed")


_ROOT = "/console/{shop_id}/groups"
ROUTES = [
    Route(_ROOT, listed),
    Route(_ROOT, make, methods=["POST"]),
    Route(f"{_ROOT}/{{group_id}}", one),
    Route(f"{_ROOT}/{{group_id}}/removal", remove, methods=["POST"]),
]
