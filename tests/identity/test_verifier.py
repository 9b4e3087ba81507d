"""Asking whether a name and a number belong together, without telling anybody else."""

import hashlib
import hmac
import json

import httpx
import pytest

from littleshop.config import Misconfigured
from littleshop.errors import GatewayError
from littleshop.identity import verifier

RAIL = {"base_url": "https://identity.test/identity", "key": "a-key-of-the-authority"}
NAME, NUMBER, CARD, PHONE = "王小满", "11010519491231002X", "6225880000001234", "13800000000"


def asking(status: int, content: bytes, seen: list[httpx.Request]) -> verifier.Verifier:
    """Our client, wired to an authority that checks the signature and answers this."""

    def handle(request: httpx.Request) -> httpx.Response:
        wanted = hmac.new(RAIL["key"].encode(), request.content, hashlib.sha256).hexdigest()
        assert request.headers["X-Identity-Signature"] == wanted
        seen.append(request)
        return httpx.Response(status, content=content)

    found = verifier.open({"identity": RAIL}, httpx.MockTransport(handle))
    assert found is not None
    return found


async def test_a_match_is_a_match() -> None:
    seen: list[httpx.Request] = []
    client = asking(200, b'{"match": true, "reason": null}', seen)
    assert await client.verify(NAME, NUMBER) == verifier.Verdict(True)
    assert str(seen[0].url) == "https://identity.test/identity/verify"
    assert json.loads(seen[0].content) == {"name": NAME, "id_number": NUMBER}
    await client.disconnect()


async def test_card_and_phone_are_asked_when_given() -> None:
    seen: list[httpx.Request] = []
    await asking(200, b'{"match": true}', seen).verify(NAME, NUMBER, CARD, PHONE)
    assert json.loads(seen[0].content)["card_number"] == CARD
    assert json.loads(seen[0].content)["phone"] == PHONE


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("name", "name"),
        ("card", "card"),
        ("phone", "phone"),
        ("no_such_number", "no_such_number"),
        ("E-1234", "other"),
        (None, "other"),
    ],
)
async def test_a_mismatch_says_what_does_not_fit(told: str | None, reason: str) -> None:
    content = json.dumps({"match": False, "reason": told}).encode()
    verdict = await asking(200, content, []).verify(NAME, NUMBER)
    assert (verdict.match, verdict.reason) == (False, reason)


@pytest.mark.parametrize(
    ("status", "content", "again"),
    [
        (503, f"cannot check {NAME} {NUMBER} {CARD}".encode(), True),
        (401, f"{RAIL['key']} {NUMBER}".encode(), False),
        (200, b"<html>", True),
        (200, b'{"match": "yes"}', True),
        (200, b"{}", True),
    ],
)
async def test_no_answer_is_neither_yes_nor_no_and_repeats_nothing(
    status: int, content: bytes, again: bool
) -> None:
    client = asking(status, content, [])
    with pytest.raises(GatewayError) as told:
        await client.verify(NAME, NUMBER, CARD, PHONE)
    assert told.value.retryable is again
    shown = f"{told.value!r} {client!r}"
    assert not any(secret in shown for secret in (NAME, NUMBER, CARD, RAIL["key"]))


async def test_a_lost_connection_repeats_nothing() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    client = verifier.open({"identity": RAIL}, httpx.MockTransport(broken))
    assert client is not None
    with pytest.raises(GatewayError) as told:
        await client.verify(NAME, NUMBER)
    assert told.value.retryable
    assert NUMBER not in repr(told.value)


def test_no_settings_no_verifier_and_bad_ones_stop_the_start() -> None:
    assert verifier.open({}) is None
    with pytest.raises(Misconfigured):
        verifier.open({"identity": {"base_url": "https://identity.test"}})
