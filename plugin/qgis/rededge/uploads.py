# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers on their way to the server: by the link of the result that they are, by the address that they are
read from where the server follows it, else by value.
"""

import json

from osgeo import gdal
from qgis.core import (
    QgsFeatureRequest,
    QgsJsonExporter,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)

from .client import ServerError
from .layers import as_document, data_link
from .origins import ORIGIN, origin_of
from .parameters import InputError

GEOTIFF = "image/tiff; application=geotiff"
#: What GDAL puts before the address of a file that it reads by ranges.
REMOTE = "/vsicurl/"
#: Digits of longitude and latitude: a tenth of a millimetre.
DIGITS = 9
UNCHECKED = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks


class Uploads:
    """Sends layers along with one request."""

    def __init__(self, client, feedback):
        self.client = client
        self.feedback = feedback
        #: Links to rasters elsewhere, as they stand in the request: input, value, file.
        self.links = []

    def features(self, run, name):
        """The features of a parameter's layer as GeoJSON on WGS 84, with their attributes."""
        given = run.parameters[name]
        part = isinstance(given, QgsProcessingFeatureSourceDefinition) and given.selectedFeaturesOnly
        layer = run.algorithm.parameterAsVectorLayer(run.parameters, name, run.context)
        if layer is not None and not part:
            link = self.link(layer)
            if link:
                return link
        source = run.algorithm.parameterAsSource(run.parameters, name, run.context)
        if source is None:
            raise InputError(name, "this is no layer of features")
        features = source.getFeatures(QgsFeatureRequest(), UNCHECKED)
        return self.collection(source.sourceName(), source.sourceCrs(), features)

    def raster(self, run, name):
        """The file of a parameter's raster."""
        layer = run.algorithm.parameterAsRasterLayer(run.parameters, name, run.context)
        if layer is None:
            raise InputError(name, "this is no raster layer")
        return self.raster_layer(name, layer)

    def document(self, run, name):
        """The file of a parameter."""
        path = run.algorithm.parameterAsFile(run.parameters, name, run.context)
        return self.result(path) or as_document(name, path)

    def named(self, name, title):
        """A layer of the project by its name.

        :raises InputError: there is none, or there are several.
        """
        found = QgsProject.instance().mapLayersByName(str(title))
        if len(found) != 1:
            how_many = "no layer" if not found else f"{len(found)} layers"
            raise InputError(name, f"the project has {how_many} called “{title}”")
        layer = found[0]
        if isinstance(layer, QgsRasterLayer):
            return self.raster_layer(name, layer)
        if isinstance(layer, QgsVectorLayer):
            return self.link(layer) or self.collection(layer.name(), layer.crs(), layer.getFeatures())
        raise InputError(name, f"“{title}” holds neither features nor a raster")

    def collection(self, title, crs, features):
        """Features as a GeoJSON FeatureCollection."""
        exporter = QgsJsonExporter(None, DIGITS)
        exporter.setSourceCrs(crs)
        made = [json.loads(exporter.exportFeature(feature)) for feature in features]
        self.feedback.pushInfo(f"sending {len(made)} features of {title}")
        return {"type": "FeatureCollection", "features": made}

    def raster_layer(self, name, layer):
        """A raster by a link, or the bytes of its file as GeoTIFF."""
        link = self.link(layer)
        if link:
            return link
        path = file_of(layer)
        if layer.providerType() != "gdal" or gdal.VSIStatL(path) is None:
            why = f"the layer “{layer.name()}” is no file that can be read; export it as GeoTIFF first"
            raise InputError(name, why)
        address = path.removeprefix(REMOTE)
        if address == path or not address.startswith(("http://", "https://")):
            return self.bytes_of(name, path)
        self.feedback.pushInfo(f"sending the link {address}")
        link = {"href": address, "type": GEOTIFF}
        self.links.append((name, link, path))
        return link

    def bytes_of(self, name, path):
        """The bytes of a GeoTIFF, wherever GDAL reads it from."""
        size = gdal.VSIStatL(path).size
        # In base64 three bytes become four.
        self.client.fits(size * 4 // 3, f"{path} in a request")
        file = gdal.VSIFOpenL(path, "rb")
        content = bytes(gdal.VSIFReadL(1, size, file))
        gdal.VSIFCloseL(file)
        if content[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            raise InputError(name, f"{path} is no GeoTIFF; export the layer as GeoTIFF first")
        self.feedback.pushInfo(f"sending {path} ({len(content) / 1e6:.1f} MB)")
        return data_link(content, GEOTIFF)

    def instead(self, error):
        """Puts bytes in the place of links that the server refused. Returns whether there were any."""
        refused = [link for link in self.links if error.status == 400 and is_of(error.faulty, link[0])]
        for name, link, path in refused:
            self.feedback.pushInfo(f"the server does not follow the link: {error}")
            link.update(self.bytes_of(name, path))
            self.links.remove((name, link, path))
        return bool(refused)

    def link(self, layer):
        """The link of the result that a layer shows unchanged; none where it shows something else."""
        if isinstance(layer, QgsVectorLayer) and (layer.isEditable() or layer.subsetString()):
            return None
        return self.result(file_of(layer), layer.customProperty(ORIGIN))

    def result(self, path, kept=None):
        """The link of the result that was loaded into a file, as long as the server has it."""
        href = origin_of(path, kept)
        if not href or not self.client.server.owns(href):
            return None
        try:
            self.client.head(href)
        except ServerError as error:
            if not error.status:
                raise
            return None
        self.feedback.pushInfo(f"{path} is a result that the server has: nothing is sent")
        return {"href": href}


def file_of(layer):
    """The file that a layer reads."""
    return layer.source().split("|", 1)[0]


def is_of(path, name):
    """Whether the path of a value, such as ``maps[0].map``, lies in an input."""
    return (path or "").split(".")[0].split("[")[0] == name
