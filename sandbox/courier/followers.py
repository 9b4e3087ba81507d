"""Who wants to be told of a parcel's scans."""

from collections.abc import Mapping

from sandbox.courier import ways
from sandbox.world import World


def subscribed(world: World, service: str, told: Mapping[str, str]) -> bool:
    """Somebody wants to be told; False when he asked before. The parcel begins its way."""
    with world.store.transaction():
        ways.begin(world, told["number"])
        new = world.store.run(
            "insert into courier_subscriptions (service, account, carrier, number, url, salt,"
            " token, pushed_to) values (?, ?, ?, ?, ?, ?, ?, '')"
            " on conflict (service, account, carrier, number)"
            " do update set token = excluded.token where excluded.token <> ''",
            service,
            *(told[name] for name in ("account", "carrier", "number", "url", "salt", "token")),
        )
    world.wake.set()
    return bool(new)
