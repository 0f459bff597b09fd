#!/bin/sh
# Installs pygeoapi and the package into a virtual environment outside git, where it is missing or old.
set -eu
cd "$(dirname "$0")/../.."
here=plugin/pygeoapi
venv="${CARGO_TARGET_DIR:-target}/pygeoapi"

if ! python3 -c 'import ensurepip' 2>/dev/null; then
    .ci/apt python3 python3-venv
fi
if ! cmp -s $here/tests/requirements.txt "$venv/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r $here/tests/requirements.txt
    cp $here/tests/requirements.txt "$venv/requirements.txt" # last: an interrupted run starts again
fi
# Installed as its users do, from a copy: setuptools builds beside the sources.
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
cp -R $here/pyproject.toml $here/README.md $here/rededge_pygeoapi "$copy"
"$venv/bin/pip" install -q --disable-pip-version-check --force-reinstall --no-deps "$copy"
