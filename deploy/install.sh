#!/bin/sh
# Make .venv and install one requirements file into it: deploy/install.sh requirements.txt
#
# Takes the first Python >= 3.11 on the PATH (or $PYTHON), installs with uv and falls back to plain pip where uv cannot be
# had or finds no index. A stamp file records what was installed, so a second start costs nothing.
set -eu
cd "$(dirname "$0")/.."
wanted=$1
stamp=.venv/.installed-$(basename "$wanted" .txt)

signature() { cat "$wanted" requirements.txt constraints.txt | cksum; }

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(signature)" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

# The oldest Python that has all of the pinned packages; the same figure is in pyproject.toml.
recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if recent "$candidate"; then
            echo "$candidate"
            return 0
        fi
    done
    echo "cstiers needs Python 3.11 or newer and found none: install one, or name it with 'make PYTHON=/path/to/python ...'." >&2
    return 1
}

# Debian and Ubuntu ship Python without the part that makes virtual environments.
make_venv() {
    "$1" -m venv --clear .venv >/dev/null 2>&1 && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing the system's python3-venv." >&2
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null || true
        "$1" -m venv --clear .venv >/dev/null 2>&1 && return 0
    fi
    echo "$1 cannot make a virtual environment: install its venv module (on Debian and Ubuntu: apt-get install python3-venv)." >&2
    return 1
}

if ! recent .venv/bin/python; then
    python=$(find_python)
    make_venv "$python"
fi

echo "Installing $wanted into .venv (once)." >&2
# uv reads neither pip.conf nor PIP_INDEX_URL: hand it the index that pip would use.
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    index=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
    if [ -n "$index" ]; then
        UV_DEFAULT_INDEX=$index
        export UV_DEFAULT_INDEX
    fi
fi
with_uv() {
    [ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv >/dev/null 2>&1 || return 1
    .venv/bin/uv pip install --quiet --system-certs --python .venv/bin/python --compile-bytecode -r "$wanted" -c constraints.txt
}
with_pip() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --compile -r "$wanted" -c constraints.txt
}
if ! with_uv; then
    echo "uv could not install; trying pip." >&2
    with_pip
fi
signature > "$stamp"
