#!/bin/sh
# The reference files of this folder, from features.geojson by GDAL 3.6.2.
set -e
cd "$(dirname "$0")"
write() { ogr2ogr -q -f GML "$@" features.geojson; rm -f ./*.xsd; }
write -dsco FORMAT=GML2 gml2.gml
write -dsco FORMAT=GML3 gml3.gml
write -dsco FORMAT=GML3.2 gml32.gml
write -dsco FORMAT=GML3 -dsco SRSNAME_FORMAT=OGC_URL gml3-uri.gml
write -dsco FORMAT=GML3 -dsco SRSNAME_FORMAT=SHORT gml3-short.gml
write -dsco FORMAT=GML3.2 -t_srs EPSG:32649 gml32-utm.gml
