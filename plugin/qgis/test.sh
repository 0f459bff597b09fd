#!/bin/sh
# The tests of the plugin in a real QGIS without a window: style, Qt 6, descriptions, runs against real
# servers. Further arguments go to pytest.
set -eu
cd "$(dirname "$0")/../.."
plugin/qgis/setup.sh
target/qgis/bin/ruff format --check --quiet plugin/qgis
target/qgis/bin/ruff check --quiet plugin/qgis
# The rules of QGIS for plugins on Qt 6; QGS105 is against the `iface` that QGIS hands to each plugin.
target/qgis/bin/flake8 --select QGS1,QGS4 --extend-ignore QGS105 plugin/qgis
export REDEDGE_QT6="$PWD/target/qgis/bin/python" PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -m pytest -p no:cacheprovider plugin/qgis/tests "$@"
