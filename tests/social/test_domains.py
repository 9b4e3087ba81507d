"""The public names of the platform: which one a link goes over, how each is looked at, and that a
look cannot be led astray."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from littleshop import config, db, knocking
from littleshop.config import Misconfigured, Settings
from littleshop.crypto import Keyring
from littleshop.errors import Refused
from littleshop.social import domains, probing
from littleshop.social.domains import Domain, Domains
from littleshop.wires import Wire
from tests.cast import MORNING, keyring

A, B, C = "a.example.com", "b.example.com", "c.example.com"
LIVE = Settings(
    home=Path("/nowhere"), mode="live", database_url="", public_url=f"https://{A}",
    sandbox_url=None, rails={},
)  # fmt: skip
DEMO = msgspec.structs.replace(LIVE, mode="demo", public_url="http://127.0.0.1:8000")
CODES = [f"10-{number:06}" for number in range(600)]


def row(host: str, state: str = "healthy", *, blocked: bool = False) -> Domain:
    at = MORNING if blocked else None
    return Domain(host, state, MORNING, "", 0, None, MORNING, at, "WeChat" if blocked else "")


def spread(*rows: Domain) -> dict[str, str]:
    """Which name each share's link goes over."""
    known = Domains(LIVE)
    known.tell(rows)
    return {code: known.public_url(code).removeprefix("https://") for code in CODES}


def test_links_are_spread_and_move_only_when_their_own_name_goes() -> None:
    all_three = spread(row(A), row(B), row(C))
    assert all(count > len(CODES) / 5 for count in Counter(all_three.values()).values())
    without_b = spread(row(A), row(B, blocked=True), row(C))
    moved = {code for code in CODES if all_three[code] != without_b[code]}
    assert moved == {code for code in CODES if all_three[code] == B}
    assert spread(row(A), row(B), row(C)) == all_three


def test_only_what_is_healthy_and_open_carries_new_links_and_there_is_always_one() -> None:
    assert set(spread(row(A), row(B, "unhealthy"), row(C, "new")).values()) == {A}
    assert set(spread(row(A, blocked=True), row(B)).values()) == {B}
    assert set(spread(row(A, blocked=True), row(B, "unhealthy")).values()) == {B}
    assert set(spread(row(A, blocked=True), row(B, "new")).values()) == {A}  # it may be a typo
    assert set(spread(row(A, "unhealthy"), row(B, "unhealthy")).values()) == {A}
    assert set(spread(row(A, blocked=True), row(B, blocked=True)).values()) == {A}
    assert set(spread().values()) == {A}


def test_who_is_somewhere_stays_there_while_it_carries_links() -> None:
    known = Domains(LIVE)
    known.tell([row(A), row(B), row(C, blocked=True)])
    assert {known.public_url(code, here=f"{B}:443") for code in CODES} == {f"https://{B}"}
    assert known.public_url("x", here=C) == known.public_url("x") != f"https://{C}"
    assert known.origin(C) == f"https://{C}"  # it is ours all the same: what is there is there
    assert known.origin("evil.example.com") == f"https://{A}"


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "127.0.0.1", "10.0.0.7", "[::1]", "2130706433", "b.example.com:8443",
     "b.example.com/path", "b.example.com@c.example.com", "-b.example.com", "b..com", "b_c.com",
     "例子.中国", "metadata", "b.localhost", "a" * 64 + ".com"],
)  # fmt: skip
def test_live_takes_whole_public_names_only(text: str) -> None:
    with pytest.raises(Refused, match="domain_invalid"):
        domains.check(text, LIVE)


def test_names_are_made_plain_and_the_demo_knocks_at_its_own_door_only() -> None:
    assert domains.check(" HTTPS://B.Example.com:443/ ", LIVE) == B
    assert domains.check("xn--fsqu00a.xn--fiqs8s", LIVE) == "xn--fsqu00a.xn--fiqs8s"
    assert domains.check("demo.localhost:8000", DEMO) == "demo.localhost:8000"
    for text in ("b.example.com", "localhost", "localhost:22", "10.0.0.7:8000", "[::1"):
        with pytest.raises(Refused, match="domain_loopback"):
            domains.check(text, DEMO)


def test_further_names_come_from_the_environment(tmp_path: Path) -> None:
    told = {
        "LITTLESHOP_HOME": str(tmp_path),
        "LITTLESHOP_MODE": "live",
        "PUBLIC_URL": f"https://{A}",
    }
    assert config.read(told | {"PUBLIC_HOSTS": f" B.example.com. , {C}:443"}).public_hosts == (B, C)
    with pytest.raises(Misconfigured, match="PUBLIC_HOSTS"):
        config.read(told | {"PUBLIC_HOSTS": "https://b.example.com"})


async def test_a_name_falls_after_three_looks_and_rises_after_two(database: db.Database) -> None:
    at = MORNING

    async def look(*faults: str) -> Domain:
        nonlocal at
        for fault in faults:
            at += timedelta(minutes=1)
            seen = await home()
            async with database.connection() as conn:
                await domains.hear(conn, seen, fault, at)
                assert not await domains.hear(conn, seen, fault, at)  # the same look counts once
        return await home()

    async def home() -> Domain:
        async with database.connection() as conn:
            return next(each for each in await domains.listed(conn) if each.host == B)

    async with database.connection() as conn:
        await domains.add(conn, B, at)
    assert (await look("no address")).state == "new"
    assert (await look("")).state == "healthy"
    assert (await look("gone", "gone", "", "gone", "gone")).state == "healthy"
    fallen = await look("gone")
    assert (fallen.state, fallen.why, fallen.since) == ("unhealthy", "gone", at)
    assert (await look("")).state == "unhealthy"
    assert (await look("")).carries


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1",
     "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "ff02::1"],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_not_knocked_at(address: str) -> None:
    asked: list[httpx.Request] = []

    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", address]

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    checked = knocking.Checked(near=False, resolve=resolve, inner=httpx.MockTransport(answers))
    async with Wire("domain", transport=checked) as wire:
        assert "do not knock" in await probing.look(wire, keyring(), f"https://{B}")
    assert asked == []


async def test_the_address_that_was_checked_is_the_one_that_is_asked() -> None:
    """A name that means another address the second time it is asked gains nothing by it."""
    ring, times = keyring(), 0

    async def resolve(host: str, port: int) -> list[str]:
        nonlocal times
        times += 1
        return ["93.184.216.34"] if times == 1 else ["127.0.0.1"]

    def answers(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "93.184.216.34" and request.headers["host"] == B
        assert request.extensions["sni_hostname"] == B
        nonce = request.url.path.rpartition("/")[2]
        return httpx.Response(200, text=probing.answer(ring, B, nonce))

    checked = knocking.Checked(near=False, resolve=resolve, inner=httpx.MockTransport(answers))
    async with Wire("domain", transport=checked) as wire:
        assert await probing.look(wire, ring, f"https://{B}") == ""
        assert "do not knock" in await probing.look(wire, ring, f"https://{B}")


async def test_a_job_looks_at_every_name_and_none_is_fooled(database: db.Database) -> None:
    ring = keyring()
    settings = msgspec.structs.replace(LIVE, public_hosts=(B,))
    async with database.connection() as conn:
        await domains.add(conn, C, MORNING)
        await domains.add(conn, "d.example.com", MORNING)

    def world(request: httpx.Request) -> httpx.Response:
        nonce = request.url.path.rpartition("/")[2]
        match request.url.host.partition(".")[0]:
            case "a":
                return httpx.Response(200, text=probing.answer(ring, A, nonce))
            case "b":  # a page of the network: this site is blocked
                return httpx.Response(302, headers={"location": f"https://{A}{request.url.path}"})
            case "c":  # another littleshop
                return httpx.Response(200, text=probing.answer(keyring(), C, nonce))
            case _:
                return httpx.Response(200, content=b"x" * 100_000)

    await probing.probe(database, ring, settings, MORNING, httpx.MockTransport(world))
    async with database.connection() as conn:
        found = {each.host: each for each in await domains.listed(conn)}
    assert {host: each.state for host, each in found.items()} == {
        A: "healthy", B: "new", C: "new", "d.example.com": "new",
    }  # fmt: skip
    assert (found[B].why, found[C].why) == ("it answered 302", "somebody else answers there")
    assert "too much" in found["d.example.com"].why


async def test_a_wire_is_not_called_while_a_transaction_is_open(database: db.Database) -> None:
    async def work(conn: db.Connection) -> None:
        async with Wire(
            "domain", transport=httpx.MockTransport(lambda _: httpx.Response(200))
        ) as w:
            await probing.look(w, keyring(), f"https://{A}")

    with pytest.raises(AssertionError, match="inside a database transaction"):
        await database.transaction(work)


def test_what_we_say_to_one_name_proves_nothing_of_another() -> None:
    ring: Keyring = keyring()
    assert probing.answer(ring, f"{A}:443", "n") == probing.answer(ring, A.upper(), "n")
    assert probing.answer(ring, A, "n") != probing.answer(ring, B, "n")


async def test_a_demo_in_a_network_at_home_is_not_knocked_at(database: db.Database) -> None:
    settings = msgspec.structs.replace(DEMO, public_url="http://192.168.1.5:8000")

    def refuses(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    await probing.probe(database, keyring(), settings, MORNING, httpx.MockTransport(refuses))
    async with database.connection() as conn:
        [home] = await domains.listed(conn)
    assert home.carries and home.looked_at is None
