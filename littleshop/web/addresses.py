"""Where things are: every address of the storefront in one place, for handlers and templates.

Nouns only. Templates know this module as `url`: `url.product(shop.slug, product.id)`.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

LANDING = "/"
ASKED_TO_WORK = "/asked-to-work"
OPENING = "/open"
LEGAL = "/legal"
MY = "/my"
LEGAL_TERMS = "/legal#terms"
LEGAL_PAPERS = "/legal#papers"
REGIONS = "/static/regions.json"


def shop(slug: str) -> str:
    """The shop's page."""
    return f"/@{quote(slug)}"


def shelf(slug: str, tag: str | None = None, page: int = 1) -> str:
    """The shop's page, narrowed to a tag or further down its shelf."""
    asked = {"tag": tag, "page": page if page > 1 else None}
    wish = {key: str(value) for key, value in asked.items() if value}
    return shop(slug) + (f"?{urlencode(wish)}" if wish else "")


def product(slug: str, product_id: object) -> str:
    """A product's page."""
    return f"{shop(slug)}/p/{product_id}"


def product_mine(slug: str, product_id: object) -> str:
    """The piece of a product page that is not the same for all: stock, own price."""
    return f"{product(slug, product_id)}/mine"


def shop_mine(slug: str) -> str:
    """The piece of a shop page that is not the same for all: the basket."""
    return f"{shop(slug)}/mine"


def basket(slug: str) -> str:
    """The basket in a shop; POST adds, its items are below it."""
    return f"{shop(slug)}/basket"


def basket_items(slug: str) -> str:
    """POST adds an item (variant, quantity, then=basket|checkout)."""
    return f"{basket(slug)}/items"


def basket_item(slug: str, item_id: object) -> str:
    """POST sets the quantity of one item; 0 takes it out."""
    return f"{basket_items(slug)}/{item_id}"


def for_you(slug: str) -> str:
    """What a shop gives who asks: his privileges, his birthday, goods that only he sees."""
    return f"{shop(slug)}/for-you"


def coupon(slug: str, code: str) -> str:
    """A coupon to keep; POST keeps it on this device."""
    return f"{shop(slug)}/coupons/{code}"


def checkout(slug: str, only: str | None = None) -> str:
    """The checkout of a basket, or of `only` these ("variant:quantity,..."); POST places."""
    return f"{shop(slug)}/checkout" + (f"?{urlencode({'only': only})}" if only else "")


def resold_checkout(slug: str, only: str | None = None) -> str:
    """The checkout of what another shop ships; POST places."""
    return f"{shop(slug)}/checkout/resold" + (f"?{urlencode({'only': only})}" if only else "")


def resale(slug: str, product_id: object, token: str = "") -> str:
    """Where a shop begins to sell what this one ships."""
    asked = f"?{urlencode({'with': token})}" if token else ""
    return f"{product(slug, product_id)}/resale{asked}"


def order(token: str) -> str:
    """An order, for whoever has the link."""
    return f"/o/{token}"


def order_part(token: str, part: str) -> str:
    """A noun below an order: payment, receipt, extension, cancellation, reminder, status."""
    return f"{order(token)}/{part}"


def my_letter(shop_id: int, invitation_id: object) -> str:
    """POST leads to a letter that asks the person who is signed in to pay."""
    return f"{MY}/letters/{shop_id}/{invitation_id}"


def my_order(shop_id: int, number: int) -> str:
    """POST lets this device act for an order of the person who is signed in, and leads there."""
    return f"{MY}/orders/{shop_id}/{number}"


def case(token: str, number: int) -> str:
    """What a buyer wanted after paying, the order's first, second ...; its acts are below it."""
    return f"{order(token)}/cases/{number}"


def share(code: str) -> str:
    """What a share code opens."""
    return f"/s/{quote(code)}"


def entrance(code: str) -> str:
    """What an entrance opens."""
    return f"/in/{quote(code)}"


def shares(slug: str, product_id: object | None = None) -> str:
    """The share sheet of a shop or a product; POST makes a share."""
    return (product(slug, product_id) if product_id else shop(slug)) + "/shares"


def share_by(slug: str, product_id: object | None, way: str) -> str:
    """A way of sharing below the sheet: an outlet's name, passcode, poster, personal."""
    return f"{shares(slug, product_id)}/{way}"


def poster(code: str, format: str) -> str:
    """The poster of a share in one of its formats (tall, story, square)."""
    return f"{share(code)}/{format}.jpg"


def card(digest: str) -> str:
    """A picture cut square, as chats want it for the card of a link."""
    return f"/cards/{digest}.jpg"


def passcode(code: str = "") -> str:
    """Where a pass-code is typed, or what one opens."""
    return f"/code/{quote(code)}" if code else "/code"


def story(slug: str) -> str:
    """What a shop tells of itself, to be read."""
    return f"{shop(slug)}/story"


def search(slug: str, query: str = "") -> str:
    """Finding things in a shop."""
    return f"{shop(slug)}/search" + (f"?{urlencode({'q': query})}" if query else "")


def follow(slug: str) -> str:
    """Following a shop by phone; POST sends a code, with digits follows."""
    return f"{shop(slug)}/follow"


def news(token: str) -> str:
    """What is new for a follower, and the way out; POST below it acts."""
    return f"/n/{token}"


def reviews(slug: str, product_id: object, page: int = 1) -> str:
    """Everything that is said of a product."""
    return f"{product(slug, product_id)}/reviews" + (f"?page={page}" if page > 1 else "")


def review(token: str, position: int) -> str:
    """What a buyer says of a line of his order; POST says it."""
    return f"{order(token)}/reviews/{position}"


def report(about: str) -> str:
    """Saying that something is wrong with a page, by its path."""
    return f"/report?{urlencode({'about': about})}"


def elsewhere(slug: str, product_id: object | None = None) -> str:
    """What works in this app's browser, and the way out of it."""
    return (product(slug, product_id) if product_id else shop(slug)) + "/elsewhere"


def photo(digest: str, width: int, kind: str = "webp") -> str:
    """A picture in one of its widths (360, 720, 1080) and kinds (webp, avif)."""
    return f"/f/{digest}/{width}.{kind}"


def opening(slug: str | None = None, share_code: str | None = None, product: object = None) -> str:
    """Step 1 of opening a shop, remembering what brought the person here."""
    known = {"from": slug, "share": share_code, "product": product}
    wish = {key: str(value) for key, value in known.items() if value}
    return OPENING + (f"?{urlencode(wish)}" if wish else "")


def team(token: str) -> str:
    """A team that buys a thing together, for whoever has its link."""
    return f"/t/{token}"


def team_offer(slug: str, product_id: object) -> str:
    """What a team pays for a product."""
    return f"{product(slug, product_id)}/team"


def invitation(token: str) -> str:
    """An invitation to pay, for whoever has its link."""
    return f"/i/{token}"


def invitation_part(token: str, part: str) -> str:
    """A noun below an invitation: checkout, refusal."""
    return f"{invitation(token)}/{part}"


def wish(token: str) -> str:
    """What a buyer asked a seller to get for him, and what was said since."""
    return f"/w/{token}"


def wishes(slug: str) -> str:
    """Asking a seller to get something; POST asks."""
    return f"{shop(slug)}/wishes"


def conversation(token: str) -> str:
    """What a buyer and a seller say, for the buyer's own devices; its acts are below it."""
    return f"/c/{token}"


def conversation_part(token: str, part: str) -> str:
    """A noun below a conversation: remarks, photos, phone, code, thread, live."""
    return f"{conversation(token)}/{part}"


def talk(slug: str, product_id: object | None = None) -> str:
    """Writing to a seller about a product or the shop; POST says the first remark."""
    return f"{product(slug, product_id) if product_id else shop(slug)}/conversation"
