"""geopandas' sjoin_nearest and GDAL's polygonize on what examples/zones_join.rs wrote; seconds as JSON.

usage: zones.py join FOLDER | polygonize FOLDER SIDE   (polygonize needs GDAL's own Python: osgeo)

The join is timed alone, with polygons and points in memory and in metres; distances there are
those of the plane. Holes are left out of the polygons: no mine's nearest edge is sought inside one
unless the mine lies in it."""
import json
import sys
import time
from pathlib import Path

import numpy as np

what, folder = sys.argv[1], Path(sys.argv[2])
if what == "join":
    import geopandas
    import shapely

    coords = np.fromfile(folder / "coords.f64").reshape(-1, 2)
    offsets = np.fromfile(folder / "offsets.f64").astype(np.int64)
    rings = np.arange(len(offsets))
    zones = geopandas.GeoDataFrame(geometry=shapely.from_ragged_array(shapely.GeometryType.POLYGON, coords, (offsets, rings)), crs=32649)
    mines = np.fromfile(folder / "mines.f64").reshape(-1, 2)
    mines = geopandas.GeoDataFrame({"mine": np.arange(len(mines))}, geometry=shapely.points(mines), crs=32649)
    start = time.perf_counter()
    joined = geopandas.sjoin_nearest(zones, mines, distance_col="metres")
    seconds = time.perf_counter() - start
    ours = np.fromfile(folder / "distances.f64")
    theirs = joined["metres"].groupby(joined.index).min().to_numpy()
    # A UTM zone's scale is within 0.1 % of one.
    off = float(np.max(np.abs(ours - theirs) / np.maximum(theirs, 100)))
    print(json.dumps({"join_s": seconds, "zones": len(zones), "largest_relative_difference": off}))
else:
    from osgeo import gdal, ogr

    side = int(sys.argv[3])
    values = np.fromfile(folder / "map.u8", dtype=np.uint8).reshape(side, side)
    source = gdal.GetDriverByName("MEM").Create("", side, side, 1, gdal.GDT_Byte)
    source.GetRasterBand(1).WriteArray(values)
    mask = gdal.GetDriverByName("MEM").Create("", side, side, 1, gdal.GDT_Byte)
    mask.GetRasterBand(1).WriteArray((values == 2).astype(np.uint8))
    memory = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = memory.CreateLayer("zones", geom_type=ogr.wkbPolygon)
    layer.CreateField(ogr.FieldDefn("class", ogr.OFTInteger))
    start = time.perf_counter()
    gdal.Polygonize(source.GetRasterBand(1), mask.GetRasterBand(1), layer, 0)
    print(json.dumps({"polygonize_s": time.perf_counter() - start, "zones": layer.GetFeatureCount(), "gdal": gdal.__version__}))
