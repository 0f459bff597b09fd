#!/bin/sh
# Installs what the tests of the plugin need and is missing: QGIS with its Python, pytest, and beside
# them (in target/qgis, never in the system) a linter, PyQt6 and the stubs of a newer QGIS.
set -eu
cd "$(dirname "$0")/../.."

say() { printf '%s\n' "$*" >&2; }

packages=""
command -v qgis_process >/dev/null 2>&1 || packages="$packages qgis qgis-providers"
/usr/bin/python3 -c 'import qgis.core' >/dev/null 2>&1 || packages="$packages python3-qgis"
/usr/bin/python3 -c 'import pytest' >/dev/null 2>&1 || packages="$packages python3-pytest"
/usr/bin/python3 -c 'import ensurepip' >/dev/null 2>&1 || packages="$packages python3-venv"
command -v xvfb-run >/dev/null 2>&1 && command -v xauth >/dev/null 2>&1 || packages="$packages xvfb xauth"

if [ -n "$packages" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        say "missing (by their Debian names):$packages; install them by this system's own package manager"
        exit 1
    fi
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || { say "missing:$packages; run as root: apt-get install$packages"; exit 1; }
        as_root="sudo"
    fi
    say "installing$packages"
    $as_root apt-get update -q || { sleep 5; $as_root apt-get update -q; }
    # shellcheck disable=SC2086 # a list of packages
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
fi

venv=target/qgis
if ! cmp -s plugin/qgis/requirements.txt "$venv/requirements.txt"; then
    say "installing what looks the plugin over into $venv"
    /usr/bin/python3 -m venv "$venv"
    "$venv/bin/pip" install -q -r plugin/qgis/requirements.txt
    cp plugin/qgis/requirements.txt "$venv/requirements.txt" # last: an interrupted run starts again
fi
