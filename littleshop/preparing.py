"""What has to be ready before the first page: rails registered, database migrated and ours.

Done by a process of the crew that ends. It begins while the database still starts: a line on
standard input says that it is ready. A reason not to start goes to standard output, in words for
the person at the terminal.
"""

from __future__ import annotations

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


def run(*, afresh: bool) -> int:
    """Prepare what the environment names; the exit status. `afresh`: the sandbox has lost its
    books."""
    home, sandbox_url = Path(os.environ["LITTLESHOP_HOME"]), os.environ.get("SANDBOX_URL")
    try:
        if sandbox_url:
            custody = os.environ.get("LITTLESHOP_ESCROW") == "bank_custody"
            registration.register(
                home, sandbox_url, os.environ["PUBLIC_URL"], afresh=afresh, custody=custody
            )
        if not sys.stdin.readline():  # whoever started us has given up
            return 1
        asyncio.run(prepare(os.environ))
    except (CannotStart, config.Misconfigured, registration.SandboxSilent) as fault:
        print(fault, flush=True)
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
    except migrate.MigrationBlocked as fault:
        raise CannotStart(str(fault)) from fault
    keyring = crypto.read_keys(settings.keys) if settings.keys else crypto.keys_at(settings.home)
    database = await db.open_database(settings.database_url, size=1, name="starting")
    try:
        await database.transaction(lambda conn: installation.settle(conn, settings, keyring))
    finally:
        await database.close()
