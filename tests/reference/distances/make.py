"""Geodesic distance and bearing from the edges of pixels to points, by GeographicLib.

    python3 -m venv v && v/bin/pip install numpy==2.3.5 pyproj==3.7.2 geographiclib==2.1
    v/bin/python make.py > distances.json

An edge is a straight line of the map's CRS. Each is sampled at 9 places; the best three edges are
then searched by golden sections, 100 times, with GeographicLib's inverse geodesic.
"""
import json, math, sys
import numpy as np, pyproj, geographiclib
from geographiclib.geodesic import Geodesic

geod = pyproj.Geod(ellps="WGS84")
rng = np.random.default_rng(77)

def edges(plane):
    rows, cols = plane.shape
    at = lambda r, c: plane[r, c] if 0 <= r < rows and 0 <= c < cols else 0
    for r in range(rows + 1):
        for c in range(cols + 1):
            if at(r - 1, c) != at(r, c): yield (c, r, c + 1, r)
            if at(r, c - 1) != at(r, c): yield (c, r, c, r + 1)

def case(epsg, affine, rows, cols, far):
    plane = np.zeros((rows, cols), np.uint8)
    r0, c0 = rows // 3, cols // 4
    plane[r0:r0 + rows // 3, c0:c0 + cols // 2] = 1
    plane[r0 + 1:r0 + 3, c0 + 2:c0 + 5] = 0
    plane[r0 - 1, c0 + 3] = 1
    to = pyproj.Transformer.from_crs(epsg, 4326, always_xy=True)
    x = lambda c, r: (affine[0] + c * affine[1], affine[3] + r * affine[5])
    all_edges = [(*x(a, b), *x(c, d)) for a, b, c, d in edges(plane)]
    cx, cy = x(cols / 2, rows / 2)
    lon0, lat0 = to.transform(cx, cy)
    mines = []
    for metres in far:
        lon, lat, _ = geod.fwd(lon0, lat0, rng.uniform(0, 360), metres)
        def f(e, t):
            px, py = to.transform(e[0] + t * (e[2] - e[0]), e[1] + t * (e[3] - e[1]))
            g = Geodesic.WGS84.Inverse(py, px, lat, lon)
            return g["s12"], g["azi1"] % 360
        ts = np.linspace(0, 1, 9)
        xs = np.array([[e[0] + t * (e[2] - e[0]) for t in ts] for e in all_edges])
        ys = np.array([[e[1] + t * (e[3] - e[1]) for t in ts] for e in all_edges])
        lons, lats = to.transform(xs, ys)
        d = geod.inv(lons, lats, np.full_like(lons, lon), np.full_like(lats, lat))[2].min(axis=1)
        best = (math.inf, 0)
        for k in np.argsort(d)[:3]:
            a, b, g = 0.0, 1.0, (math.sqrt(5) - 1) / 2
            for _ in range(100):
                m, n = b - g * (b - a), a + g * (b - a)
                if f(all_edges[k], m)[0] < f(all_edges[k], n)[0]: b = n
                else: a = m
            best = min([best] + [f(all_edges[k], t) for t in (0.0, (a + b) / 2, 1.0)])
        mines.append({"lon": lon, "lat": lat, "metres": best[0], "bearing": best[1]})
    return {"epsg": epsg, "affine": affine, "rows": ["".join(map(str, r)) for r in plane], "mines": mines}

far = [700, 1500, 4000, 9000, 30000, 120000, 900000, 5000000, 15000000]
cases = [case(32649, [7e5, 10, 0, 3.09e6, 0, -10], 24, 30, far),
         case(32649, [6e5, 300, 0, 3.2e6, 0, -300], 40, 50, [20000] + far[4:]),
         case(4326, [105.0, 9e-5, 0, 10.0, 0, -9e-5], 24, 30, far),
         case(4326, [179.99, 1e-3, 0, 80.2, 0, -1e-3], 40, 60, [6000] + far[3:]),
         case(32601, [3e5, 20, 0, 8.9e6, 0, -20], 30, 30, far),
         case(3857, [1.25e7, 50, 0, 3.2e6, 0, -50], 30, 30, [3000] + far[3:])]
json.dump({"tool": "GeographicLib (Python)", "version": f"geographiclib {geographiclib.__version__}, pyproj {pyproj.__version__}, PROJ {pyproj.proj_version_str}",
           "command": "make.py > distances.json", "cases": cases}, sys.stdout, indent=1)
