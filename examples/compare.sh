#!/bin/sh
# Makes the tables of docs/methods.md: all methods on a folder laid out like mekong-2022 (real;
# leave one cluster out) and one like zhuzhou-sim-2019 (simulated; trained on its samples, the map
# scored by its truth on the half of the parcels that holds no sample), seeds 0 to 4 of each.
# usage: compare.sh MEKONG ZHUZHOU [REDEDGE]  > tables.md
set -eu
mekong=$(cd "$1" && pwd)
zhuzhou=$(cd "$2" && pwd)
rededge=${3:-target/release/rededge}
seeds='0 1 2 3 4'
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
summary() { # of lines "overall kappa": mean (range) | mean
    awk '{ o += $1; k += $2; if (NR == 1 || $1 < low) low = $1; if ($1 > high) high = $1 }
        END { printf "%.3f (%.3f to %.3f) | %.3f", o / NR, low, high, k / NR }'
}

echo '| method | mekong overall | kappa | zhuzhou overall | kappa | training s | mapping s per million pixels |'
echo '|---|---|---|---|---|---|---|'
: > "$work/classes"
while IFS='|' read -r name method parameters; do
    : > "$work/m" > "$work/z" > "$work/t"
    for seed in $seeds; do
        run compare-methods mekong <<JSON
{"inputs": {"cube": "$mekong/items.json", "samples": "$mekong/samples.geojson", "seed": $seed,
 "validation": {"by": "group", "property": "cluster"}, "methods": ["$method"],
 "parametersByMethod": {"$method": $parameters}}, "outputs": {"table": {}}}
JSON
        awk -F, 'NR == 2 { print $2, $3 }' "$work/mekong/table.csv" >> "$work/m"
        awk -F, 'NR == 2 { print $(NF - 1), $NF }' "$work/mekong/table.csv" >> "$work/t"
        run rice-map map <<JSON
{"inputs": {"cube": "$zhuzhou/items.json", "samples": "$zhuzhou/samples-rice.geojson", "despike": false,
 "method": "$method", "parameters": $parameters, "seed": $seed}, "outputs": {"classMap": {}}}
JSON
        run assess-accuracy score <<JSON
{"map": "$work/map/classMap.tif", "samples": "$zhuzhou/truth-rice.tif", "mask": "$zhuzhou/truth-testmask.tif"}
JSON
        score=$work/score/accuracy.json
        echo "$(value "$score" overall) $(value "$score" kappa)" >> "$work/z"
    done
    printf '| %s | %s | %s | %s |\n' "$name" "$(summary < "$work/m")" "$(summary < "$work/z")" \
        "$(awk '{ a += $1; b += $2 } END { printf "%.3f | %.2f", a / NR, b / NR }' "$work/t")"
    printf '| %s | %s | %s |\n' "$name" "$(shares "$score" producers)" "$(shares "$score" users)" >> "$work/classes"
done <<'VARIANTS'
`itsgbt`|itsgbt|{}
`itsgbt`, values|itsgbt|{"predictors": ["values"]}
`tsrf`|tsrf|{}
`dtw`|dtw|{}
`dtw`, 8 barycentres, band 3|dtw|{"barycentres": 8, "band": 3}
`forest`|forest|{}
`swv`|swv|{}
VARIANTS

echo
echo 'zhuzhou, the last seed:'
echo
echo '| method | producer single, double, non-rice | user single, double, non-rice |'
echo '|---|---|---|'
cat "$work/classes"
echo
echo 'zhuzhou, six land covers by `forest` (70/30):'
echo
run rice-map cover <<JSON
{"inputs": {"cube": "$zhuzhou/items.json", "samples": "$zhuzhou/samples-cover.geojson",
 "despike": false, "method": "forest", "indices": ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12"],
 "dem": "$zhuzhou/dem.tif", "maxSlope": 8, "validation": {"by": "holdout", "fractions": [0.7, 0, 0.3]},
 "seed": 1}, "outputs": {"classMap": {}, "accuracy": {}}}
JSON
run assess-accuracy score <<JSON
{"map": "$work/cover/classMap.tif", "samples": "$zhuzhou/truth-cover.tif", "mask": "$zhuzhou/truth-testmask.tif"}
JSON
printf 'Map: overall %.3f, kappa %.3f; the 30 %% held out: %.3f, %.3f.\n' \
    "$(value "$work/score/accuracy.json" overall)" "$(value "$work/score/accuracy.json" kappa)" \
    "$(value "$work/cover/accuracy.json" overall)" "$(value "$work/cover/accuracy.json" kappa)"
