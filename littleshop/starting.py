"""Starting everything: `demo` (with the sandbox and its town) and `serve` (live).

This process lives as long as the shop and does next to nothing: it imports little on purpose, and
what others need is imported by the crew (crew.py).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from littleshop import home as homes
from littleshop import postgres, stand_in
from littleshop.leash import leash
from littleshop.supervise import Child, Stopped, Supervisor, program

PORT = 8000
SANDBOX_PORT = 8001
READY_SECONDS = 60
_REMEMBERED = ("LITTLESHOP_MODE", "PUBLIC_URL", "SANDBOX_URL")


class CannotStart(Exception):
    """A reason in two languages, for the person at the terminal."""


@dataclass
class Plan:
    """What is to run where."""

    home: Path
    mode: str
    host: str
    port: int
    sandbox_port: int
    public_url: str
    empty: bool = False
    ready_file: Path | None = None
    tls: list[str] = field(default_factory=list)

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def web_url(self) -> str:
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """What every child is told, over the environment that we were given ourselves."""
        told = {
            **os.environ,
            "LITTLESHOP_HOME": str(self.home),
            "LITTLESHOP_MODE": self.mode,
            "PUBLIC_URL": self.public_url,
            homes.SUPERVISED: str(self.home),
        }
        if self.mode == "demo":
            told["SANDBOX_URL"] = self.sandbox_url
        return told


def demo(arguments: list[str]) -> int:
    """Start the demo and keep it running until Ctrl-C."""
    parser = _parser("littleshop demo", "everything with the sandbox and the demo town · 演示")
    parser.add_argument("--sandbox-port", type=int, default=SANDBOX_PORT, metavar="M")
    parser.add_argument("--empty", action="store_true", help="no demo town · 不要演示小镇")
    told = parser.parse_args(arguments)
    public_url = os.environ.get("PUBLIC_URL", f"http://{told.host}:{told.port}")
    return _start(
        Plan(
            home=homes.make(told.home),
            mode="demo",
            host=told.host,
            port=told.port,
            sandbox_port=told.sandbox_port,
            public_url=public_url,
            empty=told.empty,
            ready_file=told.ready_file,
        )
    )


def serve(arguments: list[str]) -> int:
    """Start web and worker against DATABASE_URL, or the embedded server without one."""
    parser = _parser("littleshop serve", "live: web and worker · 正式运行")
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    told = parser.parse_args(arguments)
    tls = []
    if told.tls_cert and told.tls_key:
        tls = ["--tls-cert", str(told.tls_cert), "--tls-key", str(told.tls_key)]
    return _start(
        Plan(
            home=homes.make(told.home),
            mode=os.environ.get("LITTLESHOP_MODE", "live"),
            host=told.host,
            port=told.port,
            sandbox_port=0,
            public_url=os.environ.get("PUBLIC_URL", ""),
            empty=True,
            ready_file=told.ready_file,
            tls=tls,
        )
    )


def _parser(name: str, purpose: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=name, description=purpose)
    parser.add_argument("--home", type=Path, default=homes.DEFAULT, metavar="DIR")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=PORT, metavar="N")
    parser.add_argument("--ready-file", type=Path, metavar="FILE")
    return parser


def _start(plan: Plan) -> int:
    supervisor = Supervisor(say=lambda line: print(line, file=sys.stderr, flush=True))
    if plan.ready_file:
        plan.ready_file.unlink(missing_ok=True)
    with supervisor.signals(), contextlib.suppress(Stopped):
        try:
            with homes.held(plan.home, "running"):
                try:
                    _run(plan, supervisor)
                finally:
                    supervisor.stop()
        except homes.InUse as fault:
            print(_already(fault), file=sys.stderr)
            return 1
        except (CannotStart, postgres.PostgresFailed) as fault:
            print(f"littleshop cannot start · 无法启动\n{fault}", file=sys.stderr)
            return 1
    print("\nlittleshop has stopped · 已停止", flush=True)
    return 0


def _run(plan: Plan, supervisor: Supervisor) -> None:
    """Start what the next thing needs, in order, then watch for ever."""
    homes.end_leftovers(plan.home)
    _check_free(plan.host, plan.port, "--port")
    told = plan.environment()
    afresh = not (plan.home / "sandbox").exists()
    if plan.mode == "demo":
        _check_free("127.0.0.1", plan.sandbox_port, "--sandbox-port")
        supervisor.add(_sandbox(plan, told))
    cluster = None if told.get("DATABASE_URL") else postgres.Cluster(plan.home)
    if cluster is not None:
        told["DATABASE_URL"] = cluster.dsn()
    begun = _begin_crew(plan, told, supervisor, afresh=afresh)
    if cluster is not None:
        _start_postgres(cluster, supervisor)
    _prepared(begun)
    addresses = {name: told[name] for name in _REMEMBERED if name in told}
    introduced = plan.home / "demo.json"
    if homes.recall(plan.home) != addresses:
        introduced.unlink(missing_ok=True)  # it names the addresses of last time
    homes.remember(plan.home, addresses)
    later, town = [], None  # what the first page does not wait for must not keep it waiting
    if not plan.empty:  # it writes DIR/demo.json first, then plays its 40 days
        town = _python("town", plan, told, "-m", "littleshop", "furnish", once=True)
        if introduced.exists():
            later.append(town)
        else:
            supervisor.add(town)
    _await_ready(plan, supervisor, town)
    for child in later:
        supervisor.add(child)
    _announce(plan)
    supervisor.watch()


def _start_postgres(cluster: postgres.Cluster, supervisor: Supervisor) -> None:
    def spawn() -> Any:
        cluster.start(wait=False)
        return cluster.process

    cluster.start()
    child = Child(
        "postgres", spawn, stop_signal=postgres.FAST_STOP, stop_seconds=30, log=cluster.log
    )
    child.process = cluster.process
    child.started_at = time.monotonic()
    supervisor.children.insert(0, child)  # stopped last


def crew(plan: Plan, told: dict[str, str], *, web: int, worker: bool = True) -> Child:
    """The web processes and the worker (littleshop/crew.py), not yet started."""
    return Child("crew", partial(_spawn_crew, plan, told, web=web, worker=worker), stop_seconds=12)


def _begin_crew(
    plan: Plan, told: dict[str, str], supervisor: Supervisor, *, afresh: bool
) -> subprocess.Popen[bytes]:
    """The crew of the first start: it imports while the database starts, and waits for its word."""
    child = crew(plan, told, web=web_workers())
    prepare = ["--prepare", *(["--afresh"] if afresh else [])]
    process = _spawn_crew(plan, told, *prepare, web=web_workers(), pipe=subprocess.PIPE)
    child.process, child.started_at = process, time.monotonic()
    supervisor.children.append(child)
    return process


def _spawn_crew(
    plan: Plan,
    told: dict[str, str],
    *more: str,
    web: int,
    worker: bool = True,
    pipe: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Its own words (who fell, who comes back) are ours; its processes have their logs."""
    command = [sys.executable, "-m", "littleshop.crew", "--web", str(web)]
    command += ["--host", plan.host, "--port", str(plan.port), *plan.tls, *more]
    return subprocess.Popen(
        command if worker else [*command, "--no-worker"],
        env=told,
        stdin=pipe,
        stdout=pipe,
        start_new_session=True,
        preexec_fn=leash(signal.SIGTERM),
    )


def _prepared(begun: subprocess.Popen[bytes]) -> None:
    """Say that the database is ready, wait until all else is. Raises CannotStart."""
    assert begun.stdin is not None and begun.stdout is not None
    with begun.stdin, begun.stdout:
        with contextlib.suppress(BrokenPipeError):
            begun.stdin.write(b"the database is ready\n")
            begun.stdin.close()
        said = begun.stdout.read().decode().strip()  # until the crew closes it
    if said != "prepared":
        raise CannotStart(said)


def _python(
    name: str, plan: Plan, told: dict[str, str], *arguments: str, once: bool = False
) -> Child:
    log = plan.home / "logs" / f"{name}.log"
    return Child(name, program(arguments, told, log), log=log, once=once)


def _sandbox(plan: Plan, told: dict[str, str]) -> Child:
    """The other side of every wire: it gets no key and no address of our database."""
    own = {
        name: value
        for name, value in told.items()
        if name not in ("DATABASE_URL", "LITTLESHOP_KEYS", "SANDBOX_URL")
    }
    home = str(plan.home / "sandbox")
    port = str(plan.sandbox_port)
    return _python("sandbox", plan, own, "-m", "sandbox", "--home", home, "--port", port)


def web_workers() -> int:
    """How many web processes serve side by side on this machine."""
    return min(2, os.cpu_count() or 1)


def _check_free(host: str, port: int, option: str) -> None:
    """Refuse a port that another program holds; a child of an earlier run may still let go."""
    until = time.monotonic() + 3
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return
            except OSError as fault:
                if time.monotonic() > until:
                    raise CannotStart(
                        f"Port {port} on {host} cannot be used ({fault.strerror}):"
                        f" choose another one with {option} N.\n"
                        f"端口 {port}（{host}）无法使用，请用 {option} N 换一个端口。"
                    ) from fault
        time.sleep(0.05)


def _await_ready(plan: Plan, supervisor: Supervisor, town: Child | None) -> None:
    """Wait until a page can be served and the town has said who lives in it."""
    until = time.monotonic() + READY_SECONDS
    introduced = plan.home / "demo.json"

    def ready() -> bool:
        if time.monotonic() > until:
            log = plan.home / "logs" / "web.log"
            end = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
            raise CannotStart(f"No page within {READY_SECONDS} s · 请查看日志: {log}\n{end}")
        living = town is None or introduced.exists() or town.process is None
        return living and _answers(plan.web_url)

    supervisor.watch(ready)


def _answers(web_url: str) -> bool:
    address = urlsplit(web_url)
    try:
        with socket.create_connection((address.hostname or "", address.port or 0), 2) as wire:
            if address.scheme == "https":  # the certificate is for another name: this must do
                return True
            wire.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
            return wire.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def _announce(plan: Plan) -> None:
    """The ready file and a few lines for a person."""
    told: dict[str, Any] = {"web": plan.public_url or plan.web_url}
    if plan.mode == "demo":
        town = _town(plan.home)
        told |= {"sandbox": plan.sandbox_url, "inbox": f"{plan.sandbox_url}/inbox", "demo": town}
        told["operator"] = {
            "phone": stand_in.PHONE,
            "secret": stand_in.SECRET,
            "url": f"{told['web']}/operator",
        }
    if plan.ready_file:
        homes.write(plan.ready_file.absolute(), json.dumps(told, ensure_ascii=False, indent=1))
    lines = ["", "littleshop", f"  shop · 小店       {told['web']}"]
    if plan.mode == "demo":
        lines += [f"  sandbox · 沙箱    {told['sandbox']}", f"  SMS · 短信收件箱  {told['inbox']}"]
        lines += _sellers(told["demo"].get("sellers", []))
        lines += [
            f"  operator · 运营者 {told['operator']['url']}",
            f"    {stand_in.PHONE}  authenticator · 验证器 {stand_in.SECRET}",
        ]
    lines += [f"  data · 数据       {plan.home}", "  Ctrl-C stops it · 按 Ctrl-C 停止", ""]
    print("\n".join(lines), flush=True)


def _sellers(sellers: list[dict[str, str]]) -> list[str]:
    """Whose phone opens which console; the codes arrive in the SMS inbox."""
    if not sellers:
        return []
    rows = [f"    {one['phone']}  {one['shop']} ({one['seller']})  {one['url']}" for one in sellers]
    return ["  sign in as · 登录号码（验证码在收件箱）", *rows]


def _town(home: Path) -> dict[str, Any]:
    try:
        told = json.loads((home / "demo.json").read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _already(fault: homes.InUse) -> str:
    addresses = homes.recall(fault.home)
    where = addresses.get("PUBLIC_URL", "")
    pid = fault.holder.get("pid", "?")
    return (
        f"littleshop is already running in {fault.home} (process {pid}) {where}\n"
        "Stop it with Ctrl-C there, or start another one with --home DIR --port N"
        " --sandbox-port M.\n"
        f"小店已在 {fault.home} 运行（进程 {pid}）。请先在那里按 Ctrl-C 停止，"
        "或用 --home DIR --port N --sandbox-port M 另开一个。"
    )
