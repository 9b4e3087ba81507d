"""Moving: a shop's page gets another address; the ones it had lead there for ever.

Links to the page lie in chats that nobody can edit. So an address a shop once used is never given
to another, and a shop may use a few in its life only: each is a name that is gone for all others.
The new address is taken first, then the shop's row is changed, then the address is kept (the order
of opening): a kill between two of them leaves the shop where it was, or where it went to.
"""

from __future__ import annotations

from datetime import datetime

from littleshop.db import Connection, Database
from littleshop.errors import NotFound, Refused
from littleshop.shop import shops, slugs

MOST = 4  # addresses in a shop's life: the first one and three more


async def move(database: Database, shop_id: int, slug: str, *, seen: str, at: datetime) -> str:
    """Move the shop to `slug` from the address the person saw; the address it has then.

    To be there already changes nothing, going back to an address it had costs none. Raises
    Refused: slug_empty, slug_invalid, slug_reserved(slug), slug_taken(slug, free),
    slug_moved(slug) when it went elsewhere meanwhile, slug_used_up(most); NotFound.
    """
    wanted = slugs.check(slug, shop_id)

    async def take(conn: Connection) -> bool:
        shop = await shops.get(conn, shop_id)
        if shop.slug is None or shop.status == "opening":
            raise NotFound("shop")
        if shop.slug == wanted:
            return False
        if shop.slug != seen:
            raise Refused("slug_moved", slug=shop.slug)
        await slugs.keep(conn, seen, shop_id, at)  # a kill may have come before
        known = await slugs.of_shop(conn, shop_id)
        if wanted not in known and len(known) >= MOST:
            raise Refused("slug_used_up", most=MOST - 1)
        if not await slugs.take(conn, wanted, shop_id, at):
            raise Refused(
                "slug_taken", slug=wanted, free=await slugs.suggest(conn, wanted, shop_id)
            )
        return True

    async def change(conn: Connection) -> None:
        if not await shops.readdress(conn, shop_id, seen, wanted):
            current = (await shops.get(conn, shop_id)).slug
            if current != wanted:  # a second press of the same is answered like the first
                raise Refused("slug_moved", slug=current)

    if await database.transaction(take):
        await database.transaction(change)
        await database.transaction(lambda conn: slugs.keep(conn, wanted, shop_id, at))
    return wanted
