"""Every way people came: by share, channel, sharer and as a tree; making a share."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import segno
from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http
from littleshop.catalog import products
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.insights import sharing
from littleshop.settlement import outlook
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.social import descents, shares
from littleshop.social.shares import Share
from littleshop.web import addresses, forms, names, pages
from littleshop.web.console import brought, figures, frame
from littleshop.web.console.brought import Facts, Row

MOST_OPENED = 50
MOST_PRODUCTS = 2000  # a list to pick from has an end
WHOLE = "shop"  # in the picker: shares of the shop itself
_FIELDS = ("name", "product", "chosen")


class Picked(msgspec.Struct, frozen=True):
    """Whose shares are looked at ("" all, "shop", or a product's id), and what can be picked."""

    chosen: str
    titles: dict[str, str]  # of every product by its id, in the shelf's order


async def page(request: Request) -> Response:
    """GET root/shares?by=share|channel|sharer|tree&product=ID|shop"""
    work = await http.at_work(request)
    return await _show(request, work, request.query_params.get("product", ""))


def _view(request: Request) -> str:
    asked = request.query_params.get("by", "")
    return asked if asked in brought.VIEWS else brought.VIEWS[0]


async def _show(
    request: Request,
    work: AtWork,
    chosen: str,
    *,
    status: int = 200,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    by = _view(request)
    async with http.house(request).database.connection() as conn:
        picked = await _picked(conn, work.shop.shop_id, chosen)
        facts = await brought.read(conn, work.shop, http.now(request))
        opened = await _opened(conn, facts, http.now(request)) if by == "tree" else []
    rows = _rows(facts, by, pages.locale_of(request), picked)
    return await frame.page(
        request,
        work,
        "shares.html",
        "today",
        status=status,
        by=by,
        rows=[_told(request, row, facts) for row in rows[: brought.MOST_ROWS]],
        more=max(0, len(rows) - brought.MOST_ROWS),
        whole=_whole(facts),
        opened=opened,
        chosen=picked.chosen,
        title=picked.titles.get(picked.chosen, ""),
        products=[{"id": key, "title": title} for key, title in picked.titles.items()],
        form=form or {},
        errors=errors or {},
        form_key=secrets.token_hex(8),
    )


async def _opened(conn: db.Connection, facts: Facts, at: datetime) -> list[dict[str, Any]]:
    """The shops that came of this one, the newest first, by what their own pages show."""
    shop_id, rows = facts.shop.shop_id, []
    for each in await descents.brought_shops(conn, shop_id, at - brought.SPAN, most=MOST_OPENED):
        shop = await shops.find(conn, each.brought_shop_id)
        if shop is not None and shop.slug:
            way = facts.ways.get(each.code or "")
            row = {"name": shop.name, "url": addresses.shop(shop.slug), "at": each.opened_at}
            rows.append(row | {"way": way.label if way else ""})
    return rows


def _rows(facts: Facts, by: str, locale: str, picked: Picked) -> list[Row]:
    if by == "channel":
        return brought.channels(facts, locale)
    if by == "sharer":
        return brought.sharers(facts, locale)
    if by == "tree":
        return brought.tree(facts, locale, picked.titles)
    return brought.shares(facts, locale, picked.titles, picked.chosen)


def _told(request: Request, row: Row, facts: Facts) -> dict[str, Any]:
    """A row; the shop's own shares with their link."""
    own = row.way is not None and row.way.person_id is not None and not row.way.entrance
    url = names.share(request, row.way.code) if own and row.way else ""
    return brought.told(row, facts.shop.currency) | {"public_url": url}


def _whole(facts: Facts) -> dict[str, Any]:
    """All shares together, for the sentence above them; entrances stand on their own page."""
    every = facts.brought.values()
    own = [each for each in every if not _is_entrance(facts, each.code)]
    return brought.figures(sharing.total(own), facts.shop.currency)


def _is_entrance(facts: Facts, code: str) -> bool:
    way = facts.ways.get(code)
    return way is not None and way.entrance


async def table(request: Request) -> Response:
    """GET root/shares.csv?by=: the same rows, all of them, for a spreadsheet."""
    work, by = await http.at_work(request), _view(request)
    locale = pages.locale_of(request)
    async with http.house(request).database.connection() as conn:
        picked = await _picked(conn, work.shop.shop_id, "")
        facts = await brought.read(conn, work.shop, http.now(request))
    rows = _rows(facts, by, locale, picked)
    return figures.download(
        brought.table(rows, work.shop.currency, locale), f"{work.shop.slug}-{by}.csv"
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
    context = _sheet(work.shop, names.public_url(request, work.shop.slug or ""))
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
