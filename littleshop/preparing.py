"""What has to be ready before the first page: rails registered, database migrated and ours.

A process of its own (`python -m littleshop.preparing`): the supervisor lives as long as the shop
and need not hold what this needs. It begins while the database still starts, and is told its
address by a line on standard input. A reason not to start goes to standard output.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from littleshop import config, crypto, db, installation, migrate
from littleshop.demo import registration

_NEW_HOME = (
    "Start the demo in a new folder with --home DIR; the old one stays as it is.\n"
    "请用 --home DIR 在新文件夹里启动演示，旧的原样保留。"
)
_SAME_VERSION = (
    "Start the version that made it, or one that came after it.\n请用当时的版本或它之后的版本启动。"
)


class CannotStart(Exception):
    """A reason in two languages, for the person at the terminal."""


def main(arguments: list[str]) -> int:
    """Prepare what the environment names; the exit status."""
    parser = argparse.ArgumentParser(prog="littleshop.preparing")
    parser.add_argument("--afresh", action="store_true", help="the sandbox has lost its books")
    told = parser.parse_args(arguments)
    home, sandbox_url = Path(os.environ["LITTLESHOP_HOME"]), os.environ.get("SANDBOX_URL")
    try:
        if sandbox_url:
            public_url = os.environ["PUBLIC_URL"]
            registration.register(home, sandbox_url, public_url, afresh=told.afresh)
        address = sys.stdin.readline().strip()
        if not address:  # whoever started us has given up
            return 1
        asyncio.run(prepare({**os.environ, "DATABASE_URL": address}))
    except (CannotStart, config.Misconfigured, registration.SandboxSilent) as fault:
        print(fault)
        return 1
    return 0


async def prepare(told: Mapping[str, str]) -> None:
    """Migrate, and refuse a database born in the other mode or under other keys.

    Raises CannotStart for a database that another version made, config.Misconfigured.
    """
    settings = config.read(told)
    try:
        await migrate.migrate(settings.database_url)
    except migrate.MigrationChanged as fault:
        advice = _NEW_HOME if settings.mode == "demo" else _SAME_VERSION
        raise CannotStart(f"{fault}\n{advice}") from fault
    keyring = crypto.read_keys(settings.keys) if settings.keys else crypto.keys_at(settings.home)
    database = await db.open_database(settings.database_url, size=1, name="starting")
    try:
        await database.transaction(lambda conn: installation.settle(conn, settings, keyring))
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
