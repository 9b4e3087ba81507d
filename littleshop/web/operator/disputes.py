"""Disputes: both sides' words and photos, the order, the money; and the decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import crypto, http, i18n
from littleshop.errors import NotFound, Refused
from littleshop.http import House
from littleshop.money import Money
from littleshop.oversight import deciding
from littleshop.oversight.deciding import Dispute, DisputeRow
from littleshop.trade import carriers, regions
from littleshop.trade.orders import Delivery
from littleshop.web import case_story, evidence, forms, pages
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/disputes"


async def listed(request: Request) -> Response:
    """GET /operator/disputes"""
    at_desk = await frame.operator(request)
    async with http.house(request).database.connection() as conn:
        waiting = await deciding.waiting(conn)
        decided = await deciding.decided(conn)
    return frame.page(
        request,
        at_desk,
        "disputes.html",
        waiting=[_row(each) for each in waiting],
        decided=[_row(each) for each in decided],
    )


def _row(row: DisputeRow) -> dict[str, Any]:
    agreed = None if row.agreed_minor is None else Money(row.agreed_minor, row.currency)
    return {
        "url": f"{HERE}/{row.shop_id}/{row.case_id}",
        "shop": row.shop,
        "number": row.number,
        "title": row.title,
        "kind": row.kind,
        "reason": row.reason,
        "amount": row.amount,
        "back": agreed or Money(0, row.currency),
        "since": row.escalated_at,
        "decided_at": row.decided_at,
    }


def _about(request: Request) -> tuple[int, UUID]:
    """The shop and the case of the address. Raises NotFound."""
    return http.number(request.path_params["shop_id"]), http.uuid(request.path_params["case_id"])


async def page(request: Request) -> Response:
    """GET /operator/disputes/SHOP/CASE"""
    return await _show(request, await frame.operator(request))


async def _show(
    request: Request,
    at_desk: frame.AtDesk,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    house, (shop_id, case_id) = http.house(request), _about(request)
    async with house.database.connection() as conn:
        dispute = await deciding.read(conn, shop_id, case_id)
        facts = await case_story.read(conn, dispute.order, dispute.case)
    locale = pages.locale_of(request)
    lines = case_story.lines(
        locale,
        "operator",
        facts,
        buyer=i18n.t(locale, "operator.buyer"),
        seller=dispute.shop.name,
    )
    return frame.page(
        request,
        at_desk,
        "dispute.html",
        status=422 if errors else 200,
        here=f"{HERE}/{shop_id}/{case_id}",
        case=_case(dispute),
        order=_order(house, dispute, locale),
        lines=lines,
        decision=await _decision(house, dispute),
        form=form or {},
        errors=errors or {},
    )


def _case(dispute: Dispute) -> dict[str, Any]:
    case = dispute.case
    return {
        "waits": case.status == "disputed",
        "stopped": dispute.chargeback is not None,
        "status": case.status,
        "kind": case.kind,
        "reason": case.reason,
        "asked": case.amount if case.amount_minor else None,
        "left": dispute.left,
        "all": deciding.wanted(case, dispute.left),
        "postage_by": case.postage_by,
        "sign": i18n.SIGNS.get(case.currency, case.currency),
    }


def _order(house: House, dispute: Dispute, locale: str) -> dict[str, Any]:
    """The order, its people masked: who decides about money need not know where they live."""
    order, delivery = dispute.order, dispute.order.delivery(house.keyring)
    parcel = dispute.parcels[-1] if dispute.parcels else None
    carrier = carriers.CARRIERS.get(parcel.carrier) if parcel else None
    back = sum(
        (each.amount for each in dispute.back if each.paid_from == "escrow"),
        Money(0, order.currency),
    )
    return {
        "number": order.number,
        "shop": dispute.shop.name,
        "shop_url": f"{frame.ROOT}/shops/{order.shop_id}",
        "status": order.status,
        "name": crypto.mask_name(delivery.name),
        "place": _place(locale, delivery),
        "lines": dispute.items,
        "goods": order.goods,
        "postage": order.shipping,
        "total": order.total,
        "back": back if back else None,
        "released": Money(order.released_minor, order.currency) if order.released_minor else None,
        "rail": dispute.payment.gateway if dispute.payment else "",
        "paid_at": order.paid_at,
        "shipped_at": order.shipped_at,
        "received_at": order.received_at,
        "carrier": carrier.name(locale) if carrier else "",
        "tracking": parcel.tracking_number if parcel else "",
    }


def _place(locale: str, delivery: Delivery) -> str:
    """As much of the address as a decision may need: the province, abroad the city."""
    if delivery.province in regions.provinces():
        return regions.written(locale, delivery.province)
    return delivery.city


async def _decision(house: House, dispute: Dispute) -> dict[str, Any] | None:
    """What was decided, by whom and why; None while nobody did."""
    act = dispute.decision
    if act is None:
        return None
    return {
        "who": (await frame.names(house, [act.operator_id]))[act.operator_id],
        "at": act.at,
        "reason": act.reason,
        "back": Money(int(act.facts["minor"]), str(act.facts["currency"])),
    }


async def decide(request: Request) -> Response:
    """POST /operator/disputes/SHOP/CASE/decision: back, words"""
    at_desk, (shop_id, case_id) = await frame.operator(request), _about(request)
    form = await forms.read(request)
    try:
        back = await _decide(request, at_desk, shop_id, case_id, form)
    except NotFound:
        raise
    except Refused as refused:
        return await _refuse(request, at_desk, form, refused)
    return frame.go(request, HERE, "decided" if back else "decided_no", amount=back)


async def _decide(
    request: Request, at_desk: frame.AtDesk, shop_id: int, case_id: UUID, form: forms.Form
) -> Money:
    """Raises Refused: back_*, price_*, reason_*, case_*, refund_too_large, chargeback_open;
    NotFound."""
    at, database = http.now(request), http.house(request).database
    async with database.connection() as conn:
        dispute = await deciding.read(conn, shop_id, case_id)
    back, words = _chosen(dispute, form), form.text("words", 2000)
    await database.transaction(
        lambda conn: deciding.decide(
            conn, at_desk.operator, shop_id, case_id, back=back, words=words, at=at
        )
    )
    return back


def _chosen(dispute: Dispute, form: forms.Form) -> Money:
    """The sum that was chosen. Raises Refused back_choice, back_empty, price_*."""
    currency = dispute.case.currency
    match form.text("choice", 8):
        case "all":
            return deciding.wanted(dispute.case, dispute.left)
        case "none":
            return Money(0, currency)
        case "part" if form.text("back", 32).strip():
            return Money(forms.price(form.text("back", 32), currency), currency)
        case "part":
            raise Refused("back_empty")
    raise Refused("back_choice")


async def _refuse(
    request: Request, at_desk: frame.AtDesk, form: forms.Form, refused: Refused
) -> Response:
    """The page again with what was typed; who comes second reads the decision that stands."""
    said = forms.said(request, refused)
    field = "words" if refused.code.startswith("reason_") else "back"
    if refused.code in ("case_moved", "chargeback_open", "own_affair"):
        field = "all"
    typed = form.typed("back", "words", "choice")
    return await _show(request, at_desk, typed, {field: said})


async def photo(request: Request) -> Response:
    """GET /operator/disputes/SHOP/CASE/photos/PHOTO"""
    await frame.operator(request)
    shop_id, case_id = _about(request)
    photo_id = http.uuid(request.path_params["photo_id"])
    async with http.house(request).database.connection() as conn:
        await deciding.evidence(conn, shop_id, case_id, photo_id)
    return await evidence.stream(request, shop_id, case_id, photo_id)
