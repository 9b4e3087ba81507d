"""Modes and keys: a demo cannot become live, live has no clock, other keys do not start."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from littleshop import config, db, installation, preparing
from littleshop.config import Misconfigured, Settings
from tests.cast import keyring

DEMO = {"LITTLESHOP_MODE": "demo", "DATABASE_URL": "postgresql://x"}
LIVE = {**DEMO, "LITTLESHOP_MODE": "live", "PUBLIC_URL": "https://shop.example"}


def rails(home: Path, address: str) -> None:
    (home / "rails.json").write_text(json.dumps({"alipay": {"base_url": address}}))


def settings(mode: str, home: Path) -> Settings:
    chosen = LIVE if mode == "live" else DEMO
    return config.read({**chosen, "LITTLESHOP_HOME": str(home)})


def test_live_mode_refuses_a_sandbox(tmp_path: Path) -> None:
    rails(tmp_path, "http://127.0.0.1:8001/alipay/gateway.do")
    with pytest.raises(Misconfigured, match="sandbox in live"):
        settings("live", tmp_path)


def test_demo_mode_refuses_a_live_address(tmp_path: Path) -> None:
    rails(tmp_path, "https://openapi.alipay.com/gateway.do")
    with pytest.raises(Misconfigured, match="live address in demo"):
        settings("demo", tmp_path)


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8001/alipay",
        "https://LOCALHOST./x",
        "https://pay.localhost/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://0.0.0.0/x",
        "https://user@127.0.0.1/x",
    ],
)
def test_live_mode_knows_this_machine_in_every_spelling(tmp_path: Path, address: str) -> None:
    rails(tmp_path, address)
    with pytest.raises(Misconfigured, match="sandbox in live"):
        settings("live", tmp_path)
    settings("demo", tmp_path)


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1.rail.example/x",
        "https://rail.example/?from=//127.0.0.1",
        "https://localhost@rail.example/x",
        "https://localhost.rail.example/x",
    ],
)
def test_an_address_that_only_mentions_this_machine_is_a_live_one(
    tmp_path: Path, address: str
) -> None:
    rails(tmp_path, address)
    settings("live", tmp_path)
    with pytest.raises(Misconfigured, match="live address in demo"):
        settings("demo", tmp_path)


@pytest.mark.parametrize("mode", ["demo", "live"])
def test_a_rail_without_an_address_belongs_to_both_modes(tmp_path: Path, mode: str) -> None:
    push = {"vapid_private_key": "-----", "contact": "mailto:post@shop.example"}
    (tmp_path / "rails.json").write_text(json.dumps({"push": push}))
    assert settings(mode, tmp_path).rails["push"] == push


def test_live_mode_has_no_inbox_whatever_the_environment_says(tmp_path: Path) -> None:
    told = {**LIVE, "LITTLESHOP_HOME": str(tmp_path), "SANDBOX_URL": "http://127.0.0.1:8001"}
    assert config.read(told).sandbox_url is None


def test_live_mode_needs_https(tmp_path: Path) -> None:
    told = {**LIVE, "LITTLESHOP_HOME": str(tmp_path), "PUBLIC_URL": "http://shop.example"}
    with pytest.raises(Misconfigured, match="https"):
        config.read(told)


async def test_a_database_keeps_the_mode_it_was_born_in(
    database: db.Database, tmp_path: Path
) -> None:
    ring = keyring()
    async with database.connection() as conn:
        await installation.settle(conn, settings("demo", tmp_path), ring)
        with pytest.raises(Misconfigured, match="born in demo"):
            await installation.settle(conn, settings("live", tmp_path), ring)


async def test_a_database_without_its_keys_refuses_to_start(
    database: db.Database, tmp_path: Path
) -> None:
    async with database.connection() as conn:
        await installation.settle(conn, settings("demo", tmp_path), keyring())
        with pytest.raises(Misconfigured, match="other keys"):
            await installation.settle(conn, settings("demo", tmp_path), keyring())


async def test_only_the_demo_has_a_clock_and_it_only_goes_forward(
    database: db.Database, tmp_path: Path
) -> None:
    async with database.connection() as conn:
        await installation.settle(conn, settings("demo", tmp_path), keyring())
        await installation.advance_clock(conn, timedelta(days=11))
        assert await installation.clock_offset(conn) == timedelta(days=11)
        with pytest.raises(Misconfigured):
            await installation.advance_clock(conn, timedelta(days=-1))


async def test_live_has_no_clock(database: db.Database, tmp_path: Path) -> None:
    async with database.connection() as conn:
        await installation.settle(conn, settings("live", tmp_path), keyring())
        with pytest.raises(Misconfigured, match="only the demo"):
            await installation.advance_clock(conn, timedelta(days=1))


@pytest.mark.parametrize(
    ("mode", "told", "zh"),
    [("demo", "--home DIR", "新文件夹"), ("live", "came after it", "之后的版本")],
)
async def test_a_database_of_another_version_is_told_politely(
    dsn: str, owner: db.Connection, tmp_path: Path, mode: str, told: str, zh: str
) -> None:
    await owner.execute("update schema_migrations set digest = 'other' where name like '0003%'")
    chosen = LIVE if mode == "live" else DEMO
    with pytest.raises(preparing.CannotStart, match="another version") as fault:
        await preparing.prepare({**chosen, "DATABASE_URL": dsn, "LITTLESHOP_HOME": str(tmp_path)})
    assert told in str(fault.value) and zh in str(fault.value) and "0003" in str(fault.value)
