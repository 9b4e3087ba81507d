"""Both services' clients against the real sandbox: asked, pushed, forged, doubled, lost, late."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import pytest_asyncio

from littleshop.errors import GatewayError
from littleshop.trade import trackers
from littleshop.trade.carriers import CARRIERS
from littleshop.trade.trackers import Asked, PushRefused, Told, Tracker, Unfollowed
from tests import sandbox_process
from tests.sandbox_process import Sandbox

AT = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass
class Ear:
    """What a shop does with pushes: it verifies, keeps what it believes, answers."""

    tracker: Tracker | None = None
    told: list[Told] = field(default_factory=list)
    refused: int = 0
    url: str = ""
    heard: threading.Condition = field(default_factory=threading.Condition)

    def take(self, body: bytes) -> tuple[int, bytes]:
        assert self.tracker is not None
        with self.heard:
            try:
                self.told += self.tracker.parse_push(body)
                return 200, self.tracker.answer(AT, heard=True)
            except PushRefused:
                self.refused += 1
                return 400, self.tracker.answer(AT, heard=False)
            finally:
                self.heard.notify_all()

    def waits_for(self, pushes: int, refused: int = 0) -> None:
        with self.heard:
            assert self.heard.wait_for(
                lambda: len(self.told) >= pushes and self.refused >= refused, 10
            ), (len(self.told), self.refused)


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, said = made.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}/callbacks/courier"
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_process.running(tmp_path_factory.mktemp("sandbox")) as found:
        yield found


@pytest_asyncio.fixture(params=["kuaidi100", "kdniao"])
async def tracker(
    request: pytest.FixtureRequest, sandbox: Sandbox, ear: Ear
) -> AsyncIterator[Tracker]:
    rail = {"vendor": request.param, "base_url": f"{sandbox.url}/courier/{request.param}"}
    if request.param == "kuaidi100":
        rail |= await sandbox.control("/control/courier/keys") | {"salt": "a salt of ours"}
    else:
        rail |= await sandbox.control("/control/courier/kdniao", {"push_url": ear.url})
    opened = trackers.open({"courier": rail})
    assert opened is not None
    ear.tracker = opened
    yield opened
    await opened.disconnect()
    await sandbox.control("/control/faults/clear")


class Parcels:
    """Numbers that nobody had before."""

    last = 8800000000

    @classmethod
    def one(cls, ear: Ear, tail: str = "77") -> Asked:
        cls.last += 1
        number = f"YT{cls.last}{tail:0>3}"
        return Asked(CARRIERS["yto"], number, "2046", f"{ear.url}/1-abc", "1-abc")


async def jump(sandbox: Sandbox, hours: int) -> None:
    now = (await sandbox.read("/control/clock"))["offset_seconds"]
    await sandbox.control("/control/clock", {"offset_seconds": now + hours * 3600})


async def test_a_parcel_is_followed_from_hand_to_hand(
    sandbox: Sandbox, tracker: Tracker, ear: Ear
) -> None:
    asked = Parcels.one(ear)
    await tracker.subscribe(asked)
    ear.waits_for(1)
    await tracker.subscribe(asked)  # a repeat asks once
    assert (ear.told[0].number, ear.told[0].scans[-1].state) == (asked.number, "picked_up")
    assert ear.told[0].token in ("", "1-abc")
    await jump(sandbox, 23)
    ear.waits_for(2)
    assert ear.told[1].scans[-1].state == "out_for_delivery"
    said = await tracker.query(asked)
    assert said is not None and said.scans == ear.told[1].scans
    path = f"/control/courier/parcels/{asked.number}"
    await sandbox.control(f"{path}/scan", {"state": "signed", "words": "已签收"})
    ear.waits_for(3)
    assert ear.told[2].scans[-1].state == "delivered"
    assert len((await sandbox.read(path))["pushes"]) == 3


async def test_pushes_are_forged_doubled_lost_and_sent_again(
    sandbox: Sandbox, tracker: Tracker, ear: Ear
) -> None:
    asked = Parcels.one(ear)
    faults = {"courier": {"notify": {"forge": 1, "copies": 2}}}
    await sandbox.control("/control/faults", faults)
    await tracker.subscribe(asked)
    ear.waits_for(1, refused=1)
    await sandbox.control("/control/faults/clear")
    await sandbox.control("/control/faults", {"courier": {"notify": {"drop": 1}}})
    await jump(sandbox, 4)
    await jump(sandbox, 1)  # lost, and half an hour later sent again
    ear.waits_for(2)
    assert ear.told[1].scans[-1].state == "in_transit"


async def test_the_last_push_may_come_first(sandbox: Sandbox, tracker: Tracker, ear: Ear) -> None:
    asked = Parcels.one(ear)
    await sandbox.control("/control/faults", {"courier": {"notify": {"reorder": True}}})
    await tracker.subscribe(asked)
    await jump(sandbox, 30)
    ear.waits_for(2)
    assert [each.scans[-1].state for each in ear.told] == ["delivered", "picked_up"]


async def test_a_parcel_comes_back_waits_in_a_locker_or_is_never_seen(
    sandbox: Sandbox, tracker: Tracker, ear: Ear
) -> None:
    back, locker, never = (Parcels.one(ear, tail) for tail in ("014", "501", "000"))
    for each in (back, locker):
        await tracker.subscribe(each)
    await jump(sandbox, 25)
    said = await tracker.query(locker)
    assert said is not None and said.scans[-1].state == "at_station"
    await jump(sandbox, 8)
    said = await tracker.query(back)
    assert said is not None and said.scans[-1].state == "returning"
    await tracker.subscribe(never)
    said = await tracker.query(never)
    assert said is None or said.scans == ()


async def test_who_has_no_contract_is_refused(sandbox: Sandbox, tracker: Tracker, ear: Ear) -> None:
    rail = {"vendor": tracker.name, "base_url": f"{sandbox.url}/courier/{tracker.name}"}
    rail |= {"customer": "1", "key": "not this one", "salt": "x", "business_id": "1"}
    stranger = trackers.open({"courier": rail})
    assert stranger is not None
    with pytest.raises(GatewayError):
        await stranger.subscribe(Parcels.one(ear))
    with pytest.raises(GatewayError):
        await stranger.query(Parcels.one(ear))
    await stranger.disconnect()
    await sandbox.control("/control/faults", {"courier": {"fail": 1}})
    with pytest.raises(GatewayError) as away:
        await tracker.subscribe(Parcels.one(ear))
    assert away.value.retryable
    lacking = Asked(CARRIERS["sf"], "SF1408223100671", "", f"{ear.url}/1-abc", "1-abc")
    with pytest.raises(Unfollowed):  # SF wants the last four digits of a phone
        await tracker.subscribe(lacking)
