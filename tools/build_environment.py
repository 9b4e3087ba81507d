"""Build the environment of ./run or ./test: python build_environment.py FOLDER LOCKFILE.

Standard library only, any Python >= 3.11. The environment is made beside its place and renamed
there when it is whole, so a kill half way leaves nothing that looks ready; starts that come at
the same time wait for the first one. Says what is wrong in English and Chinese.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import time
from pathlib import Path

NO_VENV = """\
This Python ({python}) cannot make virtual environments: its venv module is missing.
Debian, Ubuntu: apt install python3-venv (or python{version}-venv), then run the same command again.
这个 Python（{python}）不能创建虚拟环境：缺少 venv 模块。
Debian、Ubuntu：apt install python3-venv（或 python{version}-venv），然后再运行一次同样的命令。"""

NOT_INSTALLED = """\
Installing the packages failed; what pip said stands above. Usually the network is the reason:
pip's package index must be reachable (set a mirror: pip config set global.index-url URL).
安装依赖失败，pip 的提示见上。多半是网络原因：pip 的软件源必须能连上
（可以设置镜像：pip config set global.index-url 地址）。"""


def main(folder: Path, lock: Path) -> int:
    """0 when the environment stands at `folder`, else 1 with a message for people."""
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if (folder / "complete").exists() and (folder / "bin" / "python").exists():
            return 0
        return build(folder, lock)


def build(folder: Path, lock: Path) -> int:
    """Make it in a folder of its own, then rename."""
    started = time.monotonic()
    print(
        f"Installing littleshop's environment, once … 首次运行，正在安装环境 … ({folder.name})",
        file=sys.stderr,
    )
    fresh = folder.with_name(folder.name + ".new")
    for old in (fresh, folder):
        shutil.rmtree(old, ignore_errors=True)
    if not make_venv(fresh):
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        print(NO_VENV.format(python=sys.executable, version=version), file=sys.stderr)
        return 1
    # -I: a PYTHONPATH of the user's must not reach into an environment of our own.
    install = [str(fresh / "bin" / "python"), "-I", "-m", "pip", "install", "-qq"]
    install += ["--disable-pip-version-check", "--no-input", "--require-hashes", "--no-deps"]
    if subprocess.run([*install, "-r", str(lock)], check=False).returncode != 0:
        print(NOT_INSTALLED, file=sys.stderr)
        return 1
    (fresh / "complete").touch()
    fresh.rename(folder)
    print(f"… {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0


def make_venv(fresh: Path) -> bool:
    """Whether `python -m venv` worked; Debian ships it apart, then it fails in ensurepip."""
    made = subprocess.run(
        [sys.executable, "-I", "-m", "venv", str(fresh)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return made.returncode == 0 and (fresh / "bin" / "python").exists()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
