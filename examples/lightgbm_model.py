"""A model trained in Python, mapped by rededge: LightGBM on a table of series, `rice-map` on the scene.

usage: lightgbm_model.py FOLDER [--rededge target/release/rededge]     needs numpy, lightgbm and rasterio

1. `rededge simulate` makes a county in FOLDER (left out where FOLDER/county is there already).
2. `rededge run index-series` writes the NDRE series of its samples as a table.
3. LightGBM learns from that table; its model is saved as text, as `Booster.save_model` does.
4. `rededge run rice-map --set model=model.txt` maps the whole scene with it.
5. The map is held against LightGBM's own answers at the samples and against the county's truth."""
import argparse
import csv
import json
import subprocess
from pathlib import Path

import lightgbm
import numpy as np
import rasterio
from rasterio import warp

a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
a.add_argument("folder", type=Path)
a.add_argument("--rededge", default="target/release/rededge")
args = a.parse_args()
folder = args.folder
folder.mkdir(parents=True, exist_ok=True)


def rededge(*command):
    subprocess.run([args.rededge, *map(str, command), "--quiet"], check=True)


def process(name, inputs, *options):
    path = folder / f"{name}.json"
    path.write_text(json.dumps(inputs))
    rededge("run", name, path, "--out", folder / name, *options)
    return folder / name


if not (folder / "county").exists():
    rededge("simulate", folder / "county", "--width", 600, "--height", 600, "--bands", "ndre")

scene = {"cube": "county/items.json", "maxCloudCover": 100}
table = process("index-series", scene | {"features": "county/samples-rice.geojson"}) / "table.csv"

rows = list(csv.DictReader(table.open()))
columns = [name for name in rows[0] if name.startswith("NDRE@")]
classes = sorted({row["class"] for row in rows})
labels = np.array([classes.index(row["class"]) for row in rows])
series = np.array([[float(row[name] or "nan") for name in columns] for row in rows], np.float32)

# Clouds leave empty cells, which LightGBM takes as missing; so does the map. Pixels with fewer than
# three clear dates are nodata there.
enough = np.isfinite(series).sum(1) >= 3
rows, series, labels = [row for row, use in zip(rows, enough) if use], series[enough], labels[enough]

model = lightgbm.LGBMClassifier(n_estimators=100, num_leaves=31, verbose=-1, random_state=1)
model = model.fit(series, labels, feature_name=columns).booster_
model.save_model(folder / "model.txt")

out = process("rice-map", scene | {"classes": classes}, "--set", "model=model.txt")

codes = [area["code"] for name in classes for area in json.loads((out / "areas.json").read_text()) if area["name"] == name]
with rasterio.open(out / "classMap.tif") as opened:
    x, y = warp.transform("EPSG:4326", opened.crs, [float(row["lon"]) for row in rows], [float(row["lat"]) for row in rows])
    mapped = np.array([value[0] for value in opened.sample(zip(x, y))])
alike = (mapped == np.array(codes)[model.predict(series).argmax(1)]).mean()
print(f"{len(rows)} samples: the map says what LightGBM says on {100 * alike:.2f} % of them")

assessment = {"map": "rice-map/classMap.tif", "samples": "county/truth-rice.tif", "mask": "county/truth-testmask.tif"}
accuracy = json.loads((process("assess-accuracy", assessment) / "accuracy.json").read_text())
print(f"fields without samples: overall accuracy {accuracy['overall']:.3f}, kappa {accuracy['kappa']:.3f} (simulated)")
