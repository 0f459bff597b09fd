"""Polygons of small class maps by GDAL, made valid by GEOS.

    python3 -m venv v && v/bin/pip install numpy==2.3.5 rasterio==1.4.4 shapely==2.2.0
    v/bin/python make.py > maps.json

GDAL's rings may touch themselves; shapely.make_valid turns such a ring into an exterior and
holes, or into several polygons, which is the same set of points. Rings start at their least
corner; corners within a straight line are left out.
"""
import json, sys
import numpy as np, rasterio, shapely
from rasterio.features import shapes
from shapely.geometry import shape

def ring(coords):
    c = [tuple(int(v) for v in p[:2]) for p in coords][:-1]
    n = len(c)
    turn = lambda a, b, d: (b[0]-a[0])*(d[1]-b[1]) - (b[1]-a[1])*(d[0]-b[0])
    c = [c[i] for i in range(n) if turn(c[i-1], c[i], c[(i+1) % n]) != 0]
    k = c.index(min(c))
    return [list(p) for p in c[k:] + c[:k]]

def polygons(geometry):
    geometry = shapely.make_valid(geometry)
    parts = getattr(geometry, "geoms", [geometry])
    out = []
    for p in parts:
        p = shapely.geometry.polygon.orient(p)
        out.append([ring(p.exterior.coords)] + sorted(ring(h.coords) for h in p.interiors))
    return sorted(out)

def case(plane, connectivity):
    found = [(int(v), shape(g)) for g, v in shapes(plane, mask=plane > 0, connectivity=connectivity)]
    zones = sorted(([v, polygons(g)] for v, g in found), key=lambda z: (z[1], z[0]))
    return {"connectivity": connectivity, "rows": ["".join(map(str, r)) for r in plane],
            "zones": [{"code": v, "polygons": p} for v, p in zones]}

rng = np.random.default_rng(20220501)
cases = []
for rows, cols, classes, share in [(24, 31, 1, .5), (24, 31, 1, .65), (20, 20, 3, .8), (17, 40, 2, .9), (9, 9, 1, .4)]:
    plane = (rng.integers(1, classes + 1, (rows, cols)) * (rng.random((rows, cols)) < share)).astype(np.uint8)
    cases += [case(plane, 4), case(plane, 8)]
smooth = rng.normal(size=(40, 50))
for _ in range(3):
    smooth = (smooth + np.roll(smooth, 1, 0) + np.roll(smooth, 1, 1) + np.roll(smooth, -1, 0)) / 4
plane = (1 + (smooth > 0) + (smooth > .12)).astype(np.uint8)
cases += [case(plane, 4), case(plane, 8)]
json.dump({"tool": "rasterio.features.shapes (GDALPolygonize), shapely.make_valid",
           "version": f"rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}, shapely {shapely.__version__}, GEOS {shapely.geos_version_string}",
           "command": "make.py > maps.json", "cases": cases}, sys.stdout, separators=(",", ":"))
