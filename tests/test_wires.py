"""The door to the outside: quick, safe, and silent about secrets."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from littleshop import db, wires
from littleshop.errors import GatewayError

SECRET = "s3cr3t-of-the-rail"


def wire(
    handler: Callable[[httpx.Request], httpx.Response], url: str = "https://rail.test"
) -> wires.Wire:
    """A wire to a rail that answers as the handler says."""
    return wires.Wire(
        "rail", url, secrets=(SECRET,), transport=httpx.MockTransport(handler), limit_bytes=1000
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://rail.test",
        "http://10.0.0.1/x",
        "http://127.0.0.1.rail.test",
        "http://localhost.rail.test",
        "http://rail.test#@127.0.0.1",
        "http://127.0.0.1@rail.test",
        "ftp://127.0.0.1",
        "rail.test",
        "https://",
        "http://[::1",
    ],
)
def test_plain_http_stays_on_this_machine(url: str) -> None:
    with pytest.raises(GatewayError) as told:
        wires.Wire("rail", url)
    assert not told.value.retryable


@pytest.mark.parametrize(
    "url",
    ["https://rail.test", "http://127.0.0.1:9", "http://localhost:9/x", "http://[::1]:9"],
)
async def test_https_and_this_machine_are_allowed(url: str) -> None:
    async with wire(lambda request: httpx.Response(200, content=b"yes"), url) as rail:
        assert (await rail.get("/x")).text() == "yes"


async def test_a_whole_url_is_checked_at_each_call() -> None:
    async with wires.Wire("push") as push:
        with pytest.raises(GatewayError):
            await push.post("http://push.test/1", content=b"x")


async def test_no_address_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with wire(lambda request: httpx.Response(200)) as rail:
            await rail.get("/x", params={"sign": SECRET})
    assert caplog.records == []


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    seen: list[str] = []

    def moved(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(302, headers={"location": "https://elsewhere.test"})

    async with wire(moved) as rail:
        assert (await rail.get()).status == 302
    assert seen == ["https://rail.test"]


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError(f"no route with {SECRET}"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.PoolTimeout("busy"),
    ],
)
async def test_a_broken_network_may_be_tried_again(failure: Exception) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise failure

    async with wire(broken) as rail:
        with pytest.raises(GatewayError) as told:
            await rail.post("/pay", form={"sign": SECRET}, headers={"x-key": SECRET})
    assert told.value.retryable
    assert SECRET not in repr(told.value)
    assert told.value.__cause__ is None
    assert told.value.__context__ is None


@pytest.mark.parametrize(
    ("status", "again"), [(400, False), (403, False), (429, True), (503, True)]
)
async def test_a_refusal_says_whether_to_try_again(status: int, again: bool) -> None:
    body = ("x" * 290 + SECRET).encode()
    async with wire(lambda request: httpx.Response(status, content=body)) as rail:
        answer = await rail.get()
        with pytest.raises(GatewayError) as told:
            rail.refuse(answer)
    assert told.value.retryable is again
    assert SECRET[:9] not in str(told.value)
    assert SECRET not in repr(rail)


async def test_too_much_of_an_answer_is_cut_off() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100

    async with wire(lambda request: httpx.Response(200, content=endless())) as rail:
        with pytest.raises(GatewayError) as told:
            await rail.get()
    assert told.value.retryable


async def test_a_dripping_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "WHOLE_CALL_SECONDS", 0.01)

    async def dripping() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with wire(lambda request: httpx.Response(200, content=dripping())) as rail:
        with pytest.raises(GatewayError) as told:
            await rail.get()
    assert told.value.retryable


async def test_no_call_is_made_inside_a_transaction(database: db.Database) -> None:
    async with wire(lambda request: httpx.Response(200)) as rail:

        async def call(conn: db.Connection) -> wires.Answer:
            return await rail.get()

        with pytest.raises(AssertionError, match="transaction"):
            await database.transaction(call)
        assert (await rail.get()).status == 200


def test_an_answer_that_is_not_text_is_the_rails_fault() -> None:
    with pytest.raises(GatewayError) as told:
        wires.Answer(200, {}, "茶".encode("gbk")).text()
    assert told.value.retryable
