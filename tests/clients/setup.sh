#!/bin/sh
# Python clients for `make test-clients`, in a virtual environment outside git. Does nothing where
# all is there. Chromium comes by apt, only where a test drives a browser.
set -eu
cd "$(dirname "$0")/../.."
here=tests/clients
venv="${CARGO_TARGET_DIR:-target}/clients"

command -v python3 >/dev/null 2>&1 || .ci/apt python3 python3-venv
if grep -lqs playwright $here/test_*.py && ! command -v chromium >/dev/null 2>&1; then
    .ci/apt chromium
fi
if ! cmp -s $here/requirements.txt "$venv/requirements.txt"; then
    python3 -c 'import ensurepip' 2>/dev/null || .ci/apt python3-venv
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r $here/requirements.txt
    cp $here/requirements.txt "$venv/requirements.txt" # last: an interrupted run starts again
fi
# Accessibility checks of the pages; the tests go without where there is no npm.
if command -v npm >/dev/null 2>&1 && [ ! -d "$venv/node_modules/axe-core" ]; then
    npm install --silent --no-audit --no-fund --prefix "$venv" axe-core@4
fi
