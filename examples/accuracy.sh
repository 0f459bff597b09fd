#!/bin/sh
# The table of docs/accuracy.md: leave one cluster out on a folder laid out like mekong-2022
# (items.json, samples.geojson with `class` and `cluster`), five seeds, each family of predictors.
# usage: accuracy.sh FOLDER [REDEDGE]
set -eu
folder=$(cd "$1" && pwd)
rededge=${2:-target/release/rededge}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for families in '"amplitudes"' '"amplitudes", "range"' '"intervals", "amplitudes"' '"intervals"' '"coefficients"' '"values"'; do
    for seed in 0 1 2 3 4; do
        cat > "$work/inputs.json" <<JSON
{"cube": "$folder/items.json", "samples": "$folder/samples.geojson",
 "validation": {"by": "group", "property": "cluster"}, "seed": $seed,
 "parameters": {"predictors": [$families]}}
JSON
        "$rededge" run train-rice "$work/inputs.json" --out "$work/out" 2>/dev/null >&2
        sed -n 's/^  "\(overall\|kappa\)": \(.*\),/\2/p' "$work/out/accuracy.json" | tr '\n' ' '
        echo
    done | awk -v families="$families" '
        { o += $1; k += $2; if (NR == 1 || $1 < low) low = $1; if ($1 > high) high = $1 }
        END { printf "| %s | %.3f | %.3f to %.3f | %.3f |\n", families, o / NR, low, high, k / NR }'
done
