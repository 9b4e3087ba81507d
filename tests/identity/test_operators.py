"""Operators: a second factor besides the phone, for one device and some hours; the log of acts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from littleshop import audit, config, db, stand_in
from littleshop.errors import NotFound, Refused
from littleshop.identity import operators, phones
from littleshop.oversight import acts, appointing, entering
from littleshop.risk.limits import Meters
from tests.cast import Town

PHONE = phones.parse("139 0000 9001")
TOKEN = "the device he signed in on"
# RFC 6238, appendix B: the last six of the eight digits of SHA-1.
SECRET = b"12345678901234567890"
PUBLISHED = [
    (59, "287082"),
    (1111111109, "081804"),
    (1234567890, "005924"),
    (20000000000, "353130"),
]


async def appointed(town: Town) -> UUID:
    """Somebody whom the command line made an operator."""
    new = await town.database.transaction(
        lambda conn: appointing.appoint(
            conn, town.keyring, PHONE, reason="runs the night shift", at=town.at, secret=SECRET
        )
    )
    return new.person.person_id


async def shows(town: Town, person_id: UUID, digits: str, token: str = TOKEN) -> object:
    """He types what his app shows."""
    return await town.database.transaction(
        lambda conn: entering.prove(
            conn, town.keyring, person_id, token, digits, device="a phone", at=town.at
        )
    )


def code(town: Town, steps: int = 0) -> str:
    """What his app shows so many half minutes from now."""
    return operators.code_of(SECRET, operators.step_at(town.at) + steps)


async def sits(town: Town, person_id: UUID, token: str = TOKEN) -> bool:
    async with town.database.connection() as conn:
        seat = await operators.seat(conn, person_id, token, town.at)
    return seat is not None and seat.ends_at is not None


@pytest.mark.parametrize("seconds, digits", PUBLISHED)
def test_the_codes_are_those_that_rfc_6238_prints(seconds: int, digits: str) -> None:
    assert operators.code_of(SECRET, seconds // operators.STEP) == digits


async def test_a_right_code_makes_this_device_an_operators_for_eight_hours(town: Town) -> None:
    person = await appointed(town)
    assert not await sits(town, person)
    assert await shows(town, person, code(town)) == town.at + timedelta(hours=8)
    assert await sits(town, person)
    assert not await sits(town, person, "another device of his")
    town.later(hours=7, minutes=59)
    assert await sits(town, person)
    town.later(minutes=1)
    assert not await sits(town, person)
    await shows(town, person, code(town))  # the same device, the next morning
    assert await sits(town, person)


async def test_a_code_is_taken_once_and_so_is_every_older_one(town: Town) -> None:
    person = await appointed(town)
    await shows(town, person, code(town))
    for again in (code(town), code(town, -1)):
        with pytest.raises(Refused, match="totp_used"):
            await shows(town, person, again, "somebody who looked over his shoulder")
    town.later(seconds=30)
    await shows(town, person, code(town), "his other phone")
    assert await sits(town, person, "his other phone")


async def test_of_two_who_type_one_code_at_once_one_comes_in(town: Town) -> None:
    person = await appointed(town)
    came = await asyncio.gather(
        *(shows(town, person, code(town), f"device {n}") for n in range(4)), return_exceptions=True
    )
    assert sum(not isinstance(each, Exception) for each in came) == 1


@pytest.mark.parametrize(
    "steps, right", [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
async def test_a_clock_may_be_half_a_minute_early_or_late(
    town: Town, steps: int, right: bool
) -> None:
    person = await appointed(town)
    if right:
        await shows(town, person, code(town, steps))
    else:
        with pytest.raises(Refused, match="totp_wrong"):
            await shows(town, person, code(town, steps))
    assert await sits(town, person) == right


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "½½½½½½"])
async def test_what_is_no_code_is_wrong(town: Town, typed: str) -> None:
    person = await appointed(town)
    with pytest.raises(Refused, match="totp_wrong"):
        await shows(town, person, typed)


async def test_full_width_digits_and_spaces_are_forgiven(town: Town) -> None:
    person = await appointed(town)
    wide = code(town).translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    await shows(town, person, f"{wide[:3]} {wide[3:]}")
    assert await sits(town, person)


async def test_five_tries_in_a_quarter_of_an_hour_over_all_processes(town: Town) -> None:
    processes = [Meters(town.database) for _ in range(3)]
    spent = [
        await processes[n % 3].spend_exactly("operator_code", ("a person", "a person"), town.at)
        for n in range(6)
    ]
    assert [each is None for each in spent] == [True] * 5 + [False]
    last = spent[-1]
    assert last is not None and last.minutes <= 15
    other = await processes[0].spend_exactly("operator_code", ("another person",) * 2, town.at)
    assert other is None
    town.later(minutes=15)
    assert (
        await processes[0].spend_exactly("operator_code", ("a person", "a person"), town.at) is None
    )


async def test_who_is_removed_sits_nowhere_any_more(town: Town) -> None:
    person = await appointed(town)
    await shows(town, person, code(town))
    await town.database.transaction(
        lambda conn: appointing.dismiss(conn, town.keyring, PHONE, reason="has left", at=town.at)
    )
    assert not await sits(town, person)
    town.later(minutes=5)
    with pytest.raises(NotFound):
        await shows(town, person, code(town))
    with pytest.raises(Refused, match="operator_unknown"):
        await town.database.transaction(
            lambda conn: appointing.dismiss(conn, town.keyring, PHONE, reason="again", at=town.at)
        )


async def test_who_comes_back_gets_another_secret(town: Town) -> None:
    person = await appointed(town)
    with pytest.raises(Refused, match="operator_already"):
        await appointed(town)
    await town.database.transaction(
        lambda conn: appointing.dismiss(conn, town.keyring, PHONE, reason="has left", at=town.at)
    )
    new = await town.database.transaction(
        lambda conn: appointing.appoint(conn, town.keyring, PHONE, reason="is back", at=town.at)
    )
    assert new.person.person_id == person and new.secret != SECRET
    with pytest.raises(Refused, match="totp_wrong"):
        await shows(town, person, code(town))
    step = operators.step_at(town.at)
    await shows(town, person, operators.code_of(new.secret, step))
    assert await sits(town, person)


async def test_a_stranger_is_no_operator(town: Town) -> None:
    await appointed(town)
    assert town.person_id is not None
    async with town.database.connection() as conn:
        assert await operators.seat(conn, town.person_id, TOKEN, town.at) is None
    with pytest.raises(NotFound):
        await shows(town, town.person_id, code(town))


async def test_devices_whose_hours_are_over_are_forgotten(town: Town) -> None:
    person = await appointed(town)
    await shows(town, person, code(town))
    town.later(hours=8, minutes=1)
    assert await town.database.transaction(lambda conn: operators.sweep(conn, town.at)) == 1


async def test_the_secret_lies_sealed(town: Town, owner: db.Connection) -> None:
    await appointed(town)
    sealed = await owner.fetchval("select totp_sealed from operators")
    assert SECRET not in sealed and operators.as_typed(SECRET).encode() not in sealed
    assert town.keyring.open(sealed) == operators.as_typed(SECRET)


async def test_every_appointment_and_every_coming_stands_in_the_log(town: Town) -> None:
    person = await appointed(town)
    await shows(town, person, code(town))
    async with town.database.connection() as conn:
        came, added = await acts.latest(conn, 10)
    assert (added.number, added.kind, added.operator_id) == (1, "operator_added", None)
    assert added.reason == "runs the night shift"
    assert (came.number, came.kind, came.operator_id) == (2, "signed_in", person)
    assert came.previous == added.hash and came.facts == {"device": "a phone"}


async def act(town: Town, reason: str = "because", **facts: Any) -> None:
    """Something is done at the desk."""
    await town.database.transaction(
        lambda conn: acts.record(
            conn, uuid4(), "rail_off", "rail/alipay", reason=reason, at=town.at, **facts
        )
    )


@pytest.mark.parametrize("reason, code_", [("", "short"), (" \n", "short"), ("x" * 501, "long")])
async def test_nothing_is_done_without_a_reason(town: Town, reason: str, code_: str) -> None:
    with pytest.raises(Refused, match=f"reason_{code_}"):
        await act(town, reason)
    async with town.database.connection() as conn:
        assert (await acts.head(conn)).number == 0


async def test_acts_of_one_moment_stand_in_one_row_of_hashes(town: Town) -> None:
    await asyncio.gather(*(act(town, f"理由 {n}", n=n, 谁="小满") for n in range(8)))
    async with town.database.connection() as conn:
        log = (await acts.latest(conn, 20))[::-1]
        head = await acts.head(conn)
        assert await audit.prove_log(conn) == []
    assert [each.number for each in log] == list(range(1, 9))
    assert [each.previous for each in log[1:]] == [each.hash for each in log[:-1]]
    assert (head.number, head.hash) == (8, log[-1].hash)


async def test_an_act_that_is_rolled_back_leaves_no_gap(town: Town) -> None:
    async def undone(conn: db.Connection) -> None:
        await acts.record(conn, None, "rail_off", "rail/alipay", reason="oh no", at=town.at)
        raise Refused("price_changed")

    with pytest.raises(Refused):
        await town.database.transaction(undone)
    await act(town)
    async with town.database.connection() as conn:
        assert [each.number for each in await acts.latest(conn, 10)] == [1]
        assert await audit.prove_log(conn) == []


@pytest.mark.parametrize(
    "sql",
    [
        "update acts set reason = 'something else'",
        "delete from acts",
        "truncate acts",
        "delete from act_heads",
        "insert into act_heads (name, number, hash) values ('more', 0, sha256('x'))",
        "delete from operators",
    ],
)
async def test_the_program_itself_cannot_rewrite_the_log(town: Town, sql: str) -> None:
    await act(town)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await town.database.transaction(lambda conn: conn.execute(sql))


MEDDLING = {
    "a reason": "update acts set reason = 'another one' where number = 2",
    "a moment": "update acts set at = at + interval '1 second' where number = 2",
    "who": "update acts set operator_id = null where number = 2",
    "a fact": "update acts set details = replace(details, '2', '3') where number = 2",
    "one is gone": "delete from acts where number = 2",
    "the first is gone": "delete from acts where number = 1",
    "the last is gone": "delete from acts where number = 4",
    "two change places": "update acts set number = case number when 2 then 30 else 2 end"
    " where number in (2, 3)",
    "the head is another": "update act_heads set number = 3, hash = (select hash from acts"
    " where number = 3)",
    "its own hash is made to fit": "update acts set reason = 'another', hash = sha256('x')"
    " where number = 2",
}


@pytest.mark.parametrize("meddling", MEDDLING)
async def test_whoever_meddles_with_the_log_is_seen(
    town: Town, owner: db.Connection, meddling: str
) -> None:
    for n in range(1, 5):
        await act(town, f"reason {n}", n=n)
    assert await audit.prove_log(owner) == []
    await owner.execute(MEDDLING[meddling])
    found = await audit.prove_log(owner)
    assert found and {one.shop_id for one in found} == {0}
    assert await audit.prove(owner) == []  # the money is none the worse, and goes on


async def test_the_command_appoints_lists_and_dismisses(
    town: Town,
    dsn: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", dsn)
    monkeypatch.setenv("LITTLESHOP_HOME", str(home))

    async def run(*words: str) -> int:
        return await asyncio.to_thread(appointing.command, list(words))

    assert await run("add", "139 0000 9001", "--why", "night shift") == 0
    told = capsys.readouterr().out
    assert "otpauth://totp/" in told and "secret=" in told and "█" in told and "/operator" in told
    assert await run("add", "+8613900009001") == 1
    assert "already" in capsys.readouterr().err
    assert await run("list") == 0
    assert "139 **** 9001" in capsys.readouterr().out
    assert await run("remove", "13900009001") == 0
    assert await run("remove", "13900009001") == 1
    assert await run("add", "12") == 1
    assert "11" in capsys.readouterr().err
    assert await run("list") == 0
    assert "0 位运营者" in capsys.readouterr().out
    async with town.database.connection() as conn:
        removed, added = await acts.latest(conn, 10)
    assert added.reason == "night shift" and removed.reason.startswith("on the command line")


@pytest.mark.parametrize("mode", ["demo", "live"])
async def test_a_demo_has_one_operator_whom_everybody_knows_and_live_refuses_him(
    town: Town, tmp_path: Path, mode: str
) -> None:
    settings = config.read(
        {
            "LITTLESHOP_HOME": str(tmp_path),
            "LITTLESHOP_MODE": mode,
            "PUBLIC_URL": "https://shop.example",
        }
    )

    async def comes_with_it() -> bool:
        return await town.database.transaction(
            lambda conn: appointing.appoint_stand_in(conn, town.keyring, settings, town.at)
        )

    if mode == "live":
        with pytest.raises(config.Misconfigured):
            await comes_with_it()
        async with town.database.connection() as conn:
            assert await operators.listed(conn) == []
        return
    assert await comes_with_it() and not await comes_with_it()
    async with town.database.connection() as conn:
        [known] = await appointing.listed(conn, town.keyring)
    assert known.phone == phones.parse(stand_in.PHONE).masked
    assert known.operator.secret(town.keyring) == operators.from_typed(stand_in.SECRET)
    await town.database.transaction(
        lambda conn: appointing.dismiss(
            conn, town.keyring, phones.parse(stand_in.PHONE), reason="not needed", at=town.at
        )
    )
    assert not await comes_with_it()  # who was dismissed is not back after a restart


def test_the_address_for_the_app_names_the_installation(tmp_path: Path) -> None:
    settings = config.read(
        {"LITTLESHOP_HOME": str(tmp_path), "PUBLIC_URL": "https://shop.example:8443"}
    )
    told = appointing.address(settings, PHONE, SECRET)
    assert told.startswith("otpauth://totp/littleshop%20shop.example:139")
    assert f"secret={operators.as_typed(SECRET)}" in told and "13900009001" not in told
    assert told.count(":") == 2 and "+" not in told  # otpauth: and issuer:account


def test_details_are_written_in_one_way_only() -> None:
    first = acts.digest(bytes(32), (1, None, "rail_off", "x", None, "why", "{}", None))
    other = acts.digest(bytes(32), (1, None, "rail_of", "fx", None, "why", "{}", None))
    assert first != other  # a letter that moves to the next field is another text
