# Sourced by ./run and ./test: `environment NAME` sets $environment to a folder under .venv/ that
# holds exactly what requirements/NAME.txt locks, and builds it when it is missing.
# A changed lock has another name, so it is built beside the old one.

say() { printf '%s\n' "$@" >&2; }

find_python() {
    for python in ${LITTLESHOP_PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            return
        fi
    done
    say "littleshop needs Python 3.11 or newer; none was found (python3 here: $(
        python3 --version 2>&1 || true))." \
        "Install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: LITTLESHOP_PYTHON=/path/to/python3" \
        "littleshop 需要 Python 3.11 或更新的版本，这台机器上没有找到。" \
        "请先安装（Debian、Ubuntu：apt install python3 python3-venv），或指明位置：LITTLESHOP_PYTHON=/path/to/python3"
    exit 1
}

environment() {
    lock=$here/requirements/$1.txt
    sum=$(cksum <"$lock")
    name=$1-$(printf %s "$sum${LITTLESHOP_PYTHON:+ $LITTLESHOP_PYTHON}" | tr -c "[:alnum:]." -)
    environment=$here/.venv/$name
    if [ -x "$environment/bin/python" ] && [ -e "$environment/complete" ]; then
        return
    fi
    find_python
    "$python" -I "$here/tools/build_environment.py" "$environment" "$lock" || exit 1
}
