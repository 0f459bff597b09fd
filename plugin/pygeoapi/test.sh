#!/bin/sh
# The tests of the package: the newest pygeoapi, a real rededge. Further arguments go to pytest.
set -eu
cd "$(dirname "$0")/../.."
plugin/pygeoapi/setup.sh
venv="${CARGO_TARGET_DIR:-target}/pygeoapi"
PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" -m pytest -p no:cacheprovider plugin/pygeoapi/tests "$@"
