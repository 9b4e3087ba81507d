"""What is said about an order, on its page: by whom, and the first word of the seller."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from littleshop import http
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.sale import talking
from littleshop.shop import staff
from littleshop.trade import conversation_lists, gifts
from littleshop.trade.conversations import Conversation
from littleshop.trade.orders import Order
from littleshop.web import forms, wish_views
from littleshop.web.console import frame, order_page


async def told(request: Request, work: AtWork, order: Order) -> dict[str, Any]:
    """`talks` and `writes` of order.html; nothing for who may not read what buyers say."""
    if not staff.may(work.role, "people"):
        return {"talks": [], "writes": []}
    house, root = http.house(request), frame.root(work.shop)
    async with house.database.connection() as conn:
        found = await conversation_lists.of_order(conn, order.shop_id, order.order_id)
        claimed = order.kind == "gift" and await gifts.of_order(conn, order.shop_id, order.order_id)
        talks = [
            {
                "url": f"{root}/conversations/{row.conversation.conversation_id}",
                "name": await talking.name_of(conn, house.keyring, row.conversation),
                "role": row.conversation.role,
                "words": row.words,
                "is_photo": row.is_photo,
                "mine": row.conversation.said_by == "seller",
                "new": row.conversation.new_for_seller,
                "at": row.conversation.said_at,
            }
            for row in found
        ]
        silent = {"chooser", *([gifts.ROLE] if claimed else [])} - {each["role"] for each in talks}
        writes = [
            {
                "role": role,
                "name": (await talking.whom(conn, house.keyring, order, role)).name,
                "form_key": str(uuid4()),
            }
            for role in sorted(silent)
        ]
    return {"talks": talks, "writes": writes}


async def write(request: Request) -> Response:
    """POST root/orders/NUMBER/conversation: words, role, form_key; the first word"""
    work, form = await http.at_work(request), await forms.read(request)
    words, role = wish_views.words(form.text("words"), forms.LONGEST), form.text("role", 20)
    key = forms.key(form.text("form_key", 40), uuid4())
    try:
        talk = await _write(request, work, role, words, key)
    except NotFound:
        raise
    except Refused as no:
        said, typed = {f"talk-{role}": frame.sentence(request, no)}, {f"talk-{role}": words}
        return await order_page.show(request, work, status=422, errors=said, form=typed)
    return frame.go(request, f"{frame.root(work.shop)}/conversations/{talk.conversation_id}#last")


async def _write(request: Request, work: AtWork, role: str, words: str, key: UUID) -> Conversation:
    """Raises NotFound, Refused: too_many, and as talking.write_first."""
    house, person_id, at = http.house(request), work.person.person_id, http.now(request)
    async with house.database.connection() as conn:
        order = await order_page.find(conn, work.shop.shop_id, request.path_params["number"])
    if role not in ("chooser", gifts.ROLE) or (role == gifts.ROLE and order.kind != "gift"):
        raise NotFound("order")
    http.check_limits(request, "answer", str(person_id))
    return await house.database.transaction(
        lambda conn: talking.write_first(
            conn, house.keyring, order, role, key, words=words, person_id=person_id, at=at
        )
    )


ROUTES = [Route("/console/{shop_id}/orders/{number}/conversation", write, methods=["POST"])]
