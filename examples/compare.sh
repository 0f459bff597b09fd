#!/bin/sh
# Makes the tables of docs/methods.md: all methods on a folder laid out like mekong-2022 (real;
# leave one cluster out) and one like zhuzhou-sim-2019 (simulated; trained on its samples, the map
# scored by its truth on the half of the parcels that holds no sample).
# usage: compare.sh MEKONG ZHUZHOU [REDEDGE]  > tables.md
set -eu
mekong=$(cd "$1" && pwd)
zhuzhou=$(cd "$2" && pwd)
rededge=${3:-target/release/rededge}
methods='itsgbt tsrf dtw forest swv'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() { # PROCESS NAME: inputs on standard input, results in $work/NAME
    cat > "$work/$2-in.json"
    "$rededge" run "$1" "$work/$2-in.json" --out "$work/$2" --quiet
}
value() { # FILE KEY: the first number of that name in a document
    sed -n "s/^ *\"$2\": \([0-9.eE+-]*\),*\$/\1/p" "$1" | head -1
}
shares() { # FILE MEMBER: the numbers of an object, in its order
    sed -n "/\"$2\": {/,/}/{s/^ *\"[^\"]*\": \([0-9.eE+-]*\),*\$/\1/p;/}/q}" "$1" |
        awk '{ printf "%s%.3f", (NR > 1 ? ", " : ""), $1 }'
}

echo '### mekong-2022 (real), leave one cluster out'
echo
run compare-methods mekong <<JSON
{"cube": "$mekong/items.json", "samples": "$mekong/samples.geojson", "maxCloudCover": 100,
 "validation": {"by": "group", "property": "cluster"}, "seed": 0}
JSON
echo '| method | overall | kappa | producer non-rice, rice | user non-rice, rice | training s | mapping s per million pixels |'
echo '|---|---|---|---|---|---|---|'
awk -F, 'NR > 1 { printf "| `%s` | %.3f | %.3f | %.3f, %.3f | %.3f, %.3f | %.3f | %.2f |\n", $1, $2, $3, $4, $5, $6, $7, $8, $9 }' \
    "$work/mekong/table.csv"

echo
echo '### zhuzhou-sim-2019 (simulated), rice map by its test mask'
echo
echo '| method | overall | kappa | producer single, double, non-rice | user single, double, non-rice |'
echo '|---|---|---|---|---|'
for method in $methods; do
    # The classes differ by calendar here, which the default amplitudes do not see.
    parameters='{}'
    [ $method = itsgbt ] && parameters='{"predictors": ["values"]}'
    run rice-map map <<JSON
{"inputs": {"cube": "$zhuzhou/items.json", "samples": "$zhuzhou/samples-rice.geojson", "maxCloudCover": 100,
 "despike": false, "method": "$method", "parameters": $parameters, "seed": 1}, "outputs": {"classMap": {}}}
JSON
    run assess-accuracy score <<JSON
{"map": "$work/map/classMap.tif", "samples": "$zhuzhou/truth-rice.tif", "mask": "$zhuzhou/truth-testmask.tif"}
JSON
    score=$work/score/accuracy.json
    printf '| `%s` | %.3f | %.3f | %s | %s |\n' $method "$(value "$score" overall)" "$(value "$score" kappa)" \
        "$(shares "$score" producers)" "$(shares "$score" users)"
done

echo
echo '### zhuzhou-sim-2019 (simulated), six land covers by `forest`'
echo
run rice-map cover <<JSON
{"inputs": {"cube": "$zhuzhou/items.json", "samples": "$zhuzhou/samples-cover.geojson", "maxCloudCover": 100,
 "despike": false, "method": "forest", "indices": ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12"],
 "dem": "$zhuzhou/dem.tif", "maxSlope": 8, "seed": 1}, "outputs": {"classMap": {}}}
JSON
run assess-accuracy score <<JSON
{"map": "$work/cover/classMap.tif", "samples": "$zhuzhou/truth-cover.tif", "mask": "$zhuzhou/truth-testmask.tif"}
JSON
printf 'Overall %.3f, kappa %.3f.\n' "$(value "$work/score/accuracy.json" overall)" "$(value "$work/score/accuracy.json" kappa)"
