#!/bin/sh
# A planner's walk through QGIS, with its pictures: a simulated county, a server that offers it, and the
# real window of QGIS on a screen that nobody sees. Pictures go to docs/img/qgis-*.png.
set -eu
cd "$(dirname "$0")/../../.."
plugin/qgis/setup.sh
rededge="${REDEDGE:-$PWD/target/release/rededge}"
home=$(mktemp -d -t county.XXXX)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$home"' EXIT
server=""

cd "$home"
"$rededge" simulate county --width 800 --height 700 --dates 20 --seed 42
printf '{"cube": "county/items.json", "samples": "county/samples-rice.geojson"}' >rice.json
"$rededge" run train-rice rice.json --out rice
printf '{"cube": "county/items.json", "samples": "county/samples-stress.geojson",
  "parameters": {"hidden": 24, "dense": 24, "epochs": 20, "batch": 128}}' >stress.json
"$rededge" run train-stress stress.json --out stress
cat >rededge.toml <<'EOF'
title = "Rice and mines of the county"
[data.cubes]
county-2019 = "county/items.json"
[data.files]
rice-model = "rice/model.json"
stress-model = "stress/model.json"
EOF
: >server.log # read before the server has written to it
REDEDGE_LOG_FORMAT=text "$rededge" serve --listen 127.0.0.1:0 --data store --config rededge.toml 2>server.log &
server=$!
for _ in $(seq 100); do
    url=$(sed -n 's/^listening on //p' server.log)
    [ -n "$url" ] && break
    sleep 0.1
done
cd - >/dev/null

profile="$home/profiles/default"
mkdir -p "$profile/QGIS" docs/img
cat >"$profile/QGIS/QGIS3.ini" <<'EOF'
[PythonPlugins]
rededge=true
processing=true
[app]
[qgis]
checkVersion=false
showTips340=false
newsFeedDisabled=true
EOF
export REDEDGE_URL="$url" REDEDGE_COUNTY="$home/county" REDEDGE_PICTURES="${REDEDGE_PICTURES:-$PWD/docs/img}" REDEDGE_OUT="$home"
export QGIS_PLUGINPATH="$PWD/plugin/qgis" QT_QPA_PLATFORM=xcb XDG_RUNTIME_DIR="$home" PYTHONDONTWRITEBYTECODE=1
program=$(command -v qgis.bin || command -v qgis)
timeout 300 xvfb-run -a -s "-screen 0 1360x860x24" "$program" --nologo --noversioncheck \
    --profiles-path "$home" --code plugin/qgis/walk/walk.py >"$home/qgis.log" 2>&1 || { cat "$home/qgis.log"; exit 1; }
grep -q "zones; done" "$home/qgis.log" || { cat "$home/qgis.log"; exit 1; }
ls -l "$REDEDGE_PICTURES"
