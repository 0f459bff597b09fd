#!/bin/sh
# Pictures of pygeoapi's own pages with the processes of a rededge in them, taken by a headless Chromium:
# a simulated county, a server that offers it, and the pygeoapi of the sample configuration before it.
# Pictures go to docs/img/pygeoapi-*.png.
set -eu
cd "$(dirname "$0")/../../.."
plugin/pygeoapi/setup.sh
tests/clients/setup.sh
rededge="${REDEDGE:-$PWD/target/release/rededge}"
target="${CARGO_TARGET_DIR:-target}"
home=$(mktemp -d)
server="" front=""
trap 'kill $front $server 2>/dev/null || true; rm -rf "$home"' EXIT

"$rededge" simulate "$home/county" --width 400 --height 350 --dates 15 --seed 42
cat >"$home/rededge.toml" <<'TOML'
title = "Rice and mines of the county"
[data.files]
stress-2019 = "county/truth-stress.tif"
mines = "county/mines.geojson"
TOML
: >"$home/server.log" # read before the server has written to it
REDEDGE_LOG_FORMAT=text "$rededge" serve --listen 127.0.0.1:0 --data "$home/store" --config "$home/rededge.toml" 2>"$home/server.log" &
server=$!
for _ in $(seq 100); do
    url=$(sed -n 's/^listening on //p' "$home/server.log")
    [ -n "$url" ] && break
    sleep 0.1
done

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -e "s|http://127.0.0.1:8080|$url|" -e "s|localhost:5000|127.0.0.1:$port|" -e "s|port: 5000|port: $port|" \
    plugin/pygeoapi/example-config.yml >"$home/config.yml"
export PYGEOAPI_CONFIG="$home/config.yml" PYGEOAPI_OPENAPI="$home/openapi.yml"
"$target/pygeoapi/bin/pygeoapi" openapi generate "$PYGEOAPI_CONFIG" --output-file "$PYGEOAPI_OPENAPI" >/dev/null
# The application that `pygeoapi serve` runs, without its debugger and its second process.
"$target/pygeoapi/bin/flask" --app pygeoapi.flask_app:APP run --port "$port" >"$home/pygeoapi.log" 2>&1 &
front=$!

# pygeoapi's pages ask a content network for their style: here the same file comes from npm.
style="$target/pygeoapi/node_modules/bootstrap/dist/css/bootstrap.min.css"
[ -f "$style" ] || npm install --silent --no-audit --no-fund --prefix "$target/pygeoapi" bootstrap@5.1.3
"$target/clients/bin/python" plugin/pygeoapi/walk/walk.py "http://127.0.0.1:$port" "$style" \
    "${REDEDGE_PICTURES:-docs/img}" || { cat "$home/pygeoapi.log"; exit 1; }
