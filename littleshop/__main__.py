"""The command: `./run` is `python -m littleshop`; without a command it starts the demo."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from littleshop import home as homes


@dataclass(frozen=True)
class Command:
    """`target` is module:function; the function takes the arguments and returns the exit status.

    With `database` DATABASE_URL is set when it is called: the one given, the running server's, or
    that of a server started for this command alone, migrated. One that `looks` at an installation
    makes none where there is nothing.
    """

    target: str
    purpose: str
    database: bool = True
    looks: bool = False


COMMANDS = {
    "demo": Command("littleshop.starting:demo", "the demo, also without a command · 演示", False),
    "serve": Command("littleshop.starting:serve", "live: web and worker · 正式运行", False),
    "web": Command("littleshop.serving:command", "the pages alone · 网页"),
    "work": Command("littleshop.tasks:command", "the worker alone · 后台任务"),
    "furnish": Command("littleshop.demo.town:command", "build the demo town · 布置演示小镇"),
    "migrate": Command(
        "littleshop.migrate:command", "bring the database up to date · 升级数据库", looks=True
    ),
    "audit": Command("littleshop.audit:command", "prove the books [--json] · 核对账目", looks=True),
    "settle": Command("littleshop.settlement:command", "T+1 run --on DATE · 结算", looks=True),
    "held": Command(
        "littleshop.jobs.desk:command", "jobs that wait for a person · 待处理任务", looks=True
    ),
    "operator": Command(
        "littleshop.oversight.appointing:command", "add|remove|list PHONE · 平台运营者", looks=True
    ),
    "payee": Command(
        "littleshop.entry.choosing_payee:command",
        "SHOP --alipay|--wechat|--card · 收款账户",
        looks=True,
    ),
    "backup": Command("littleshop.backing_up:backup", "FOLDER · 备份", looks=True),
    "restore": Command(
        "littleshop.backing_up:restore", "FOLDER into an empty --home · 恢复", False
    ),
    "recover": Command(
        "littleshop.backing_up:recover", "[--release NAME] after a restore · 解冻", looks=True
    ),
    "clock": Command(
        "littleshop.demo.clock:command", "the demo's time --advance 11d · 演示时钟", looks=True
    ),
    "simulate": Command("tests.simulation:command", "days of faults and kills · 模拟运行", False),
    "bench": Command("bench:command", "measure NAME [--json] · 性能测试", False),
    "doctor": Command("littleshop.doctor:command", "what is wrong with this machine · 自检", False),
}


def main(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = ["demo", *arguments]
    name, *rest = arguments
    if name in ("-h", "--help", "help"):
        print(usage())
        return 0
    if name not in COMMANDS:
        print(f"no such command · 没有这个命令: {name}\n\n{usage()}", file=sys.stderr)
        return 2
    command = COMMANDS[name]
    if name in ("demo", "serve"):
        return run(command, rest)
    home, rest = take_home(rest)
    if command.looks and not os.environ.get("DATABASE_URL") and not homes.is_lived_in(home):
        print(f"there is no littleshop at {home} · 这里没有 littleshop：{home}", file=sys.stderr)
        return 1
    homes.make(home)
    for variable, value in homes.recall(home).items():
        os.environ.setdefault(variable, value)
    os.environ["LITTLESHOP_HOME"] = str(home)
    if not command.database or os.environ.get("DATABASE_URL"):
        return run(command, rest)
    return with_database(home, command, rest)


def usage() -> str:
    """Every command in one line each."""
    lines = ["./run [COMMAND] [--home DIR] ...", ""]
    lines += [f"  {name:9}{command.purpose}" for name, command in COMMANDS.items()]
    return "\n".join(lines)


def take_home(arguments: list[str]) -> tuple[Path, list[str]]:
    """The folder named by --home and the other arguments."""
    home, rest = Path(os.environ.get("LITTLESHOP_HOME") or homes.DEFAULT), []
    given = iter(arguments)
    for argument in given:
        if argument == "--home":
            home = Path(next(given, "") or ".")
        elif argument.startswith("--home="):
            home = Path(argument.removeprefix("--home="))
        else:
            rest.append(argument)
    return home.resolve(), rest


def run(command: Command, arguments: list[str]) -> int:
    """Import the command's function and call it."""
    module, _, function = command.target.partition(":")
    target: Callable[[list[str]], int] = getattr(importlib.import_module(module), function)
    return target(arguments)


def with_database(home: Path, command: Command, arguments: list[str]) -> int:
    """Run a command on the running server, or on one started for it."""
    from littleshop.migrate import CannotMigrate
    from littleshop.postgres import PostgresFailed

    try:
        with database_at(home) as address:
            os.environ["DATABASE_URL"] = address
            return run(command, arguments)
    except homes.InUse as fault:
        print(
            f"{fault.home} is in use and its database is not ready · 数据库未就绪", file=sys.stderr
        )
    except (PostgresFailed, CannotMigrate) as fault:
        print(fault, file=sys.stderr)
    return 1


@contextlib.contextmanager
def database_at(home: Path) -> Iterator[str]:
    """The address of this home's database for as long as the block lasts."""
    import asyncio

    from littleshop import migrate, postgres

    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(homes.held(home, "command"))
        except homes.InUse:
            cluster = postgres.Cluster(home)
            if not cluster.accepts():
                raise
            yield cluster.dsn()
            return
        cluster = stack.enter_context(postgres.running(home))
        asyncio.run(migrate.migrate(cluster.dsn()))
        yield cluster.dsn()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
