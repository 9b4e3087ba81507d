"""Products: what a price is for. Their ids may be the merchant's own, each used once."""

import json

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.stripe import asked, views
from sandbox.stripe.asked import Form, invalid
from sandbox.stripe.views import View
from sandbox.world import World


def create(world: World, account: Row, told: Form) -> View:
    """POST /v1/products: the merchant may choose the id, once."""
    asked.known(told, "id", "name", "metadata", "active", "description", "shippable")
    number = asked.maybe(told, "id") or asked.number("prod")
    if find(world, account, number):
        raise invalid("Product already exists.", "resource_already_exists", "id")
    world.store.run(
        "insert into stripe_products (account, id, name, metadata, created_at)"
        " values (?, ?, ?, ?, ?)",
        account["id"],
        number,
        asked.text(told, "name", 250),
        json.dumps(asked.metadata(told)),
        stamp(world.clock.now()),
    )
    return read(world, account, told, number)


def read(world: World, account: Row, _told: Form, number: str) -> View:
    """GET /v1/products/{id}"""
    row = find(world, account, number)
    if row is None:
        raise asked.missing("product", number)
    return views.product(row)


def change(world: World, account: Row, told: Form, number: str) -> View:
    """POST /v1/products/{id}: metadata is added to what is there."""
    asked.known(told, "metadata", "name", "active")
    row = find(world, account, number)
    if row is None:
        raise asked.missing("product", number)
    world.store.run(
        "update stripe_products set metadata = ? where account = ? and id = ?",
        json.dumps({**json.loads(row["metadata"]), **asked.metadata(told)}),
        account["id"],
        number,
    )
    return read(world, account, told, number)


def find(world: World, account: Row, number: str) -> Row | None:
    """The product of this account with this id, or None."""
    return world.store.one(
        "select * from stripe_products where account = ? and id = ?", account["id"], number
    )
