"""Reference values of the heat map: pyproj's geodesic distances through scipy's normal density.

usage: make.py > densities.json

The kernel ends at four bandwidths and is divided by its mass within (chi-squared of two degrees of
freedom at 16). Densities are mines per square kilometre. `cells` are (row, column, density) of a grid
of 400 x 400 cells, `places` and `mines` (longitude, latitude, density or weight)."""
import json
import numpy as np, pyproj, scipy
from scipy import stats

geod = pyproj.Geod(ellps="WGS84")
rng = np.random.default_rng(7)


def density(mines, bandwidth, lon, lat):
    kernel = stats.multivariate_normal([0, 0], bandwidth**2 * np.eye(2))
    total = 0.0
    for x, y, weight in mines:
        d = geod.inv(x, y, lon, lat)[2]
        if d <= 4 * bandwidth:
            total += weight * kernel.pdf([d, 0]) / stats.chi2(2).cdf(16)
    return 1e6 * total


def site(name, lon, lat, bandwidth, epsg, weighted):
    def offset(spread):
        az, d = rng.uniform(0, 360), spread * np.sqrt(rng.uniform())
        x, y, _ = geod.fwd(lon, lat, az, d)
        return round(x, 9), round(y, 9)

    mines = [[*offset(6 * bandwidth), round(rng.uniform(0, 5), 3) if weighted else 1] for _ in range(25)]
    places = [offset(8 * bandwidth) for _ in range(30)]
    to_map = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    x, y = to_map.transform(lon, lat)
    cell = bandwidth / 10
    affine = [round(x) - 200 * cell, cell, 0, round(y) + 200 * cell, 0, -cell]
    cells = []
    for _ in range(30):
        row, col = (int(v) for v in rng.integers(0, 400, 2))
        at = to_map.transform(affine[0] + (col + 0.5) * cell, affine[3] - (row + 0.5) * cell, direction="INVERSE")
        cells.append([row, col, density(mines, bandwidth, *at)])
    return {
        "name": name, "bandwidth": bandwidth, "mines": mines,
        "places": [[*p, density(mines, bandwidth, *p)] for p in places],
        "grid": {"epsg": epsg, "affine": affine}, "cells": cells,
    }


print(json.dumps({
    "tool": "scipy, pyproj", "version": f"scipy {scipy.__version__}, pyproj {pyproj.__version__}",
    "command": "make.py", "sites": [
        site("Zhuzhou", 113.05, 27.9, 2000, 32649, False),
        site("weighted, at the antimeridian", 180.0, -16.5, 1500, 32701, True),
        site("80 degrees north", 15.0, 80.0, 500, 32633, True),
        site("near the pole", 100.0, 88.0, 1000, 5041, False),
    ],
}))
