#!/bin/sh
# Makes the seeds that are no text, by GDAL: run in this folder.
set -e
work=$(mktemp -d)
printf 'lon,lat,name,depth\n113.1,27.9,old,1.5\n113.2,27.8,new,\n' > "$work/a.csv"
table="-oo X_POSSIBLE_NAMES=lon -oo Y_POSSIBLE_NAMES=lat -oo AUTODETECT_TYPE=YES -a_srs EPSG:4326"
ogr2ogr -f FlatGeobuf "$work/a.fgb" "$work/a.csv" $table
ogr2ogr -f GPKG "$work/a.gpkg" "$work/a.csv" $table -lco SPATIAL_INDEX=NO
python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript("pragma page_size=512; vacuum")' "$work/a.gpkg"
printf 'ncols 6\nnrows 4\nxllcorner 700000\nyllcorner 3090000\ncellsize 10\n' > "$work/a.asc"
for row in 1 2 3 4; do echo "100 200 300 400 500 600" >> "$work/a.asc"; done
raster="-q -ot UInt16 -a_srs EPSG:32649"
gdal_translate $raster -co TILED=YES -co BLOCKXSIZE=16 -co BLOCKYSIZE=16 -co COMPRESS=DEFLATE "$work/a.asc" "$work/a.tif"
gdal_translate $raster -co COMPRESS=LZW -co PREDICTOR=2 "$work/a.asc" "$work/b.tif"
mkdir -p seeds/flatgeobuf seeds/geopackage seeds/tiff
cp "$work/a.fgb" seeds/flatgeobuf/points
cp "$work/a.gpkg" seeds/geopackage/points
cp "$work/a.tif" seeds/tiff/tiled
cp "$work/b.tif" seeds/tiff/strips
rm -r "$work"
