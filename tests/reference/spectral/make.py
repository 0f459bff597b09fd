"""Reference values of the spectral indices by numpy, in double precision from single-precision reflectance.

usage: make.py FOLDER > slovenia.json     FOLDER is laid out like slovenia-2015 (items.json)"""
import json, platform, sys
import numpy as np, rasterio

folder = sys.argv[1]
item = sorted(json.load(open(f"{folder}/items.json"))["features"], key=lambda i: i["properties"]["datetime"])[2]
B = {}
for k, asset in item["assets"].items():
    if k.startswith("B") and k != "B10":
        a = rasterio.open(f"{folder}/{asset['href']}").read(1).astype(float)
        r = asset["raster:bands"][0]
        # Reflectance is kept in single precision: where a denominator is next to 0, its last digit decides.
        reflectance = a.astype(np.float32) * np.float32(r["scale"]) + np.float32(r["offset"])
        B[k] = np.where(a == 0, np.nan, reflectance.astype(float))
b = lambda n: B[f"B{n:02d}"]
with np.errstate(all="ignore"):
    index = {
        "REP": 700 + 40 * ((b(7) + b(4)) / 2 - b(5)) / (b(6) - b(5)),
        "rep-as-printed": 700 + 40 * ((b(7) - b(4)) / 2 - b(5)) / (b(6) - b(5)),
        "CIre": b(7) / b(5) - 1, "MSR": (b(6) - b(1)) / (b(5) - b(1)),
        "MCARI": ((b(5) - b(4)) - 0.2 * (b(5) - b(3))) * (b(5) / b(4)),
        "NDVI": (b(8) - b(4)) / (b(8) + b(4)), "RDVI": (b(7) - b(4)) / np.sqrt(b(7) + b(4)),
        "NDRE1": (b(6) - b(5)) / (b(6) + b(5)), "NDRE2": (b(7) - b(5)) / (b(7) + b(5)), "NDRE": (b(8) - b(5)) / (b(8) + b(5)),
        "EVI": 2.5 * (b(8) - b(4)) / (b(8) + 6 * b(4) - 7.5 * b(2) + 1), "LSWI": (b(8) - b(11)) / (b(8) + b(11)),
        "MNDWI": (b(3) - b(11)) / (b(3) + b(11)), "NDWI": (b(3) - b(8)) / (b(3) + b(8)),
    }
# The range of each index, as in `spectral::INDICES`: a value outside of it becomes its nearer limit.
normalized = (-1, 1)
ranges = {"REP": (680, 760), "rep-as-printed": (400, 760), "CIre": (-1, 20), "MSR": (-25, 25), "MCARI": (-1, 5)}
index = {k: np.clip(np.where(np.isfinite(v), v, np.nan), *ranges.get(k, normalized)) for k, v in index.items()}
pixels = [(r, c) for r in range(0, 101, 4) for c in range(0, 100, 4)]
rows, cols = next(iter(index.values())).shape
pixels = [(r, c) for r, c in pixels if r < rows and c < cols]
finite = lambda v: float(f"{v:.9g}") if np.isfinite(v) else None
print(json.dumps({
    "tool": "numpy", "version": np.__version__, "command": "make.py slovenia-2015", "item": item["id"], "pixels": pixels,
    "values": {k: [finite(v[p]) for p in pixels] for k, v in index.items()},
    "sum": {k: float(v[np.isfinite(v)].sum()) for k, v in index.items()},
    "sumOfSizes": {k: float(np.abs(v[np.isfinite(v)]).sum()) for k, v in index.items()},
}))
