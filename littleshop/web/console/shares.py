"""Every way people came: each named share with what it brought, and making one."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import segno
from starlette.requests import Request
from starlette.responses import Response

from littleshop import clock, db, http
from littleshop.catalog import products
from littleshop.errors import Refused
from littleshop.http import AtWork
from littleshop.insights import takings
from littleshop.money import Money
from littleshop.settlement import outlook
from littleshop.shop.shops import Shop
from littleshop.social import shares
from littleshop.social.shares import Share
from littleshop.web import addresses, forms, pages
from littleshop.web.console import frame

SPAN = timedelta(days=90)


async def page(request: Request) -> Response:
    """GET root/shares"""
    return await _show(request, await http.at_work(request))


async def _show(
    request: Request,
    work: AtWork,
    *,
    status: int = 200,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    public = http.house(request).settings.public_url
    async with http.house(request).database.connection() as conn:
        rows = await _rows(conn, work.shop, public, http.now(request))
    return await frame.page(
        request,
        work,
        "shares.html",
        "today",
        status=status,
        shares=rows,
        form=form or {},
        errors=errors or {},
        form_key=secrets.token_hex(8),
    )


async def _rows(
    conn: db.Connection, shop: Shop, public: str, now: datetime
) -> list[dict[str, Any]]:
    """Named shares with what came of them in 90 days, most turnover first."""
    named = await shares.named(conn, shop.shop_id)
    brought = {
        each.code: each for each in await takings.shared(conn, shop.shop_id, now - SPAN, now)
    }
    day = clock.local_day(now, shop.zone)
    visits: dict[str, tuple[int, int]] = {}
    for each in await takings.came(conn, shop.shop_id, ["share"], day - SPAN, day):
        views, visitors = visits.get(each.subject, (0, 0))
        visits[each.subject] = (views + each.views, visitors + each.visitors)
    rows = []
    for share in named:
        views, visitors = visits.get(share.code, (0, 0))
        found = brought.get(share.code)
        rows.append(
            _row(share, shop, public)
            | {"product_title": await _title(conn, share)}
            | {
                "visits": views,
                "visitors": visitors,
                "orders": found.orders if found else 0,
                "turnover": Money(found.minor if found else 0, shop.currency),
            }
        )
    return sorted(rows, key=lambda row: -row["turnover"].minor)


async def _title(conn: db.Connection, share: Share) -> str:
    if share.product_id is None:
        return ""
    return (await products.get(conn, share.shop_id, share.product_id)).title


def _row(share: Share, shop: Shop, public: str) -> dict[str, Any]:
    return {
        "name": share.label or share.code,
        "code": share.code,
        "channel": share.channel,
        "made_at": share.created_at,
        "public_url": public + addresses.share(share.code),
    }


async def make(request: Request) -> Response:
    """POST root/shares: a named link; the same name is the same link."""
    work = await http.at_work(request)
    form = await forms.read(request)
    name, product = form.text("name", 200).strip(), form.text("product")
    product_id = http.uuid(product) if product else None
    try:
        if not name:
            raise Refused("share_name_missing")
        http.check_limits(request, "share", str(work.person.person_id), http.address(request))
        share = await _made(request, work, name, product_id)
    except Refused as refused:
        if refused.code == "not_found":
            raise
        said = {"name": frame.sentence(request, refused)}
        return await _show(request, work, status=422, form={"name": name}, errors=said)
    return frame.go(request, f"{frame.root(work.shop)}/shares", "share_made", name=share.label)


async def _made(request: Request, work: AtWork, name: str, product_id: UUID | None) -> Share:
    """Raises Refused: share_label_length; NotFound for another shop's product."""
    shop_id, at = work.shop.shop_id, http.now(request)

    async def work_on(conn: db.Connection) -> Share:
        if product_id is not None:
            await products.get(conn, shop_id, product_id)  # raises NotFound
        return await shares.make(
            conn,
            shop_id,
            product_id=product_id,
            channel="link",
            label=name,
            person_id=work.person.person_id,
            at=at,
        )

    return await http.house(request).database.transaction(work_on)


async def sheet(request: Request) -> Response:
    """GET root/share: the shop's own sheet with link and QR code."""
    work = await http.at_work(request)
    async with http.house(request).database.connection() as conn:
        blocks = await outlook.blocks(conn, work.shop.shop_id)
    context = _sheet(work.shop, http.house(request).settings.public_url)
    waits = [each for each in blocks if each != "currency"]
    return pages.page(request, "entry/opened.html", private=True, waits=waits, **context)


def _sheet(shop: Shop, public: str) -> dict[str, Any]:
    """The context of entry/opened.html for a shop that has been open for a while."""
    url, root = public + addresses.shop(shop.slug or ""), frame.root(shop)
    seen = {"line": shop.line, "picture_url": frame.picture(shop.picture or "")}
    seen |= {"public_url": url, "short_url": url.partition("://")[2]}
    return {
        "shop": frame.face(shop) | seen,
        "qr_svg": segno.make(url, error="m").svg_inline(border=0, omitsize=True),
        "share_title": shop.name,
        "share_text": shop.line,
        "goods_new_url": f"{root}/goods/new",
        "console_url": root,
        "waits_url": f"{addresses.OPENING}?shop={shop.shop_id}",
        "first_time": False,
    }
