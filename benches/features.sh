#!/bin/sh
# A million simulated zones behind a server: milliseconds of pages and vector tiles as JSON (docs/features.md).
# usage: benches/features.sh [SIDE 10980] [CALLS 200]     a map of SIDE x SIDE pixels; by release builds
set -eu
cd "$(dirname "$0")/.."
programs="${CARGO_TARGET_DIR:-target}/release"
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
"$programs/examples/features_load" make "$folder/zones.fgb" "${1:-10980}"
# No tile is kept, so that each is drawn.
printf '[log]\nformat = "text"\n[maps]\ntile_megabytes = 0\n[data.files]\nzones = "%s"\n' "$folder/zones.fgb" > "$folder/rededge.toml"
"$programs/rededge" serve --listen 127.0.0.1:0 --config "$folder/rededge.toml" --data "$folder/store" 2> "$folder/log" &
server=$!
while ! grep -q '^listening on ' "$folder/log"; do
    kill -0 "$server" || { cat "$folder/log" >&2; exit 1; }
    sleep 0.2
done
url=$(sed -n 's/^listening on //p' "$folder/log")
# The first answer waits until the file is in columns.
"$programs/examples/features_load" ask "$url/collections/zones" "${2:-200}"
