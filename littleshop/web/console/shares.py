"""Every way people came: each named share with what it brought, and making one."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import segno
from starlette.requests import Request
from starlette.responses import Response

from littleshop import clock, db, http
from littleshop.catalog import products
from littleshop.errors import NotFound, Refused
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
MOST_PRODUCTS = 2000  # a list to pick from has an end

WHOLE = "shop"  # in the picker: shares of the shop itself
_FIELDS = ("name", "product", "chosen")


class Picked(msgspec.Struct, frozen=True):
    """Whose shares are looked at ("" all, "shop", or a product's id), and what can be picked."""

    chosen: str
    titles: dict[str, str]  # of every product by its id, in the shelf's order

    def holds(self, share: Share) -> bool:
        """Whether a share is among those looked at."""
        return self.chosen in ("", _subject(share))

    def title(self, share: Share) -> str:
        """What a share shows; "" is the whole shop."""
        return self.titles.get(_subject(share), "")


def _subject(share: Share) -> str:
    return str(share.product_id) if share.product_id else WHOLE


async def page(request: Request) -> Response:
    """GET root/shares?product=ID|shop"""
    work = await http.at_work(request)
    return await _show(request, work, request.query_params.get("product", ""))


async def _show(
    request: Request,
    work: AtWork,
    chosen: str,
    *,
    status: int = 200,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    public = http.house(request).settings.public_url
    async with http.house(request).database.connection() as conn:
        picked = await _picked(conn, work.shop.shop_id, chosen)
        rows = await _rows(conn, work.shop, public, http.now(request), picked)
    return await frame.page(
        request,
        work,
        "shares.html",
        "today",
        status=status,
        shares=rows,
        chosen=picked.chosen,
        title=picked.titles.get(picked.chosen, ""),
        products=[{"id": key, "title": title} for key, title in picked.titles.items()],
        form=form or {},
        errors=errors or {},
        form_key=secrets.token_hex(8),
    )


async def _picked(conn: db.Connection, shop_id: int, chosen: str) -> Picked:
    """Raises NotFound for a product that is not the shop's."""
    listed = await products.listing(conn, shop_id, all_states=True, most=MOST_PRODUCTS)
    titles = {str(each.product_id): each.title for each in listed}
    if chosen not in ("", WHOLE):
        product = await products.get(conn, shop_id, http.uuid(chosen))
        chosen = str(product.product_id)
        titles.setdefault(chosen, product.title)
    return Picked(chosen, titles)


async def _rows(
    conn: db.Connection, shop: Shop, public: str, now: datetime, picked: Picked
) -> list[dict[str, Any]]:
    """Named shares with what came of them in 90 days, most turnover first."""
    named = [each for each in await shares.named(conn, shop.shop_id) if picked.holds(each)]
    brought = {
        each.code: each for each in await takings.shared(conn, shop.shop_id, now - SPAN, now)
    }
    visits = await _visits(conn, shop, now)
    rows = []
    for share in named:
        views, visitors = visits.get(share.code, (0, 0))
        found = brought.get(share.code)
        rows.append(
            {
                "name": share.label or share.code,
                "code": share.code,
                "channel": share.channel,
                "made_at": share.created_at,
                "public_url": public + addresses.share(share.code),
                "product_title": picked.title(share),
                "visits": views,
                "visitors": visitors,
                "orders": found.orders if found else 0,
                "turnover": Money(found.minor if found else 0, shop.currency),
            }
        )
    return sorted(rows, key=lambda row: -row["turnover"].minor)


async def _visits(conn: db.Connection, shop: Shop, now: datetime) -> dict[str, tuple[int, int]]:
    """Views and visitors by share code."""
    day = clock.local_day(now, shop.zone)
    visits: dict[str, tuple[int, int]] = {}
    for each in await takings.came(conn, shop.shop_id, ["share"], day - SPAN, day):
        views, visitors = visits.get(each.subject, (0, 0))
        visits[each.subject] = (views + each.views, visitors + each.visitors)
    return visits


async def make(request: Request) -> Response:
    """POST root/shares: name, product (id or ""), chosen (what the list showed); the same name of
    the same thing is the same link"""
    work, form = await http.at_work(request), await forms.read(request)
    name, product, chosen = (form.text(field, 200).strip() for field in _FIELDS)
    try:
        share = await _made(request, work, name, http.uuid(product) if product else None)
    except NotFound:
        raise
    except Refused as refused:
        typed, said = {"name": name, "product": product}, {"name": frame.sentence(request, refused)}
        return await _show(request, work, chosen, status=422, form=typed, errors=said)
    here = f"{frame.root(work.shop)}/shares"
    to = f"{here}?product={product or WHOLE}" if chosen else here
    return frame.go(request, to, "share_made", name=share.label)


async def _made(request: Request, work: AtWork, name: str, product_id: UUID | None) -> Share:
    """Raises Refused: share_name_missing, share_label_length, too_many; NotFound for another
    shop's product."""
    shop_id, at = work.shop.shop_id, http.now(request)
    if not name:
        raise Refused("share_name_missing")
    http.check_limits(request, "share", str(work.person.person_id), http.address(request))

    async def write(conn: db.Connection) -> Share:
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

    return await http.house(request).database.transaction(write)


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
        "shares_url": f"{root}/shares",
        "waits_url": f"{addresses.OPENING}?shop={shop.shop_id}",
        "first_time": False,
    }
