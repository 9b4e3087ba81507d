#!/bin/sh
# A browser and Chinese fonts for the browser flows, from the system's own packages: installed when
# missing and when we may (root, apt). Otherwise it only says what to do.
set -u

missing=
has() { command -v "$1" >/dev/null 2>&1; }
has chromium-headless-shell || has chromium || has chromium-browser || has google-chrome ||
    missing=" chromium"
ls /usr/share/fonts/opentype/noto/NotoSansCJK* >/dev/null 2>&1 ||
    { command -v fc-list >/dev/null 2>&1 && fc-list :lang=zh 2>/dev/null | grep -q .; } ||
    missing="$missing fonts-noto-cjk"

# The same engine without its windows takes a third less processor time. Debian has it; it is taken
# where nothing else would change by it, and a whole browser does without it.
lighter=chromium-headless-shell
if ! has "$lighter" && [ "$(id -u)" = 0 ] && has apt-get &&
    [ "$(apt-get install -s --no-install-recommends "$lighter" 2>/dev/null | grep -c '^Inst ')" = 1 ]
then
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 -o Acquire::Retries=0 \
        "$lighter" >/dev/null 2>&1
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "== installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing >/dev/null; }
else
    echo "The browser flows need:$missing. Run: sudo apt-get install$missing" >&2
fi
