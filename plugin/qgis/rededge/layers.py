# SPDX-License-Identifier: GPL-2.0-or-later
"""Inputs that are places, layers or files: taken from the project, in any CRS, and sent along."""

import base64
import json

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterPoint,
    QgsProcessingParameterRasterLayer,
)

from .parameters import ADVANCED, Input, InputError, parse, text

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
SOURCES = QgsProcessing.SourceType


class ExtentInput(Input):
    """A box, in the CRS that it is given in where the input takes that, else in longitude and
    latitude; beside it polygons of a layer where the input takes those too.
    """

    prominent = True

    def __init__(self, name, member, schema, polygons=False):
        super().__init__(name, member, schema)
        self.layer = f"{name}_layer" if polygons else None
        self.takes_crs = "crs" in schema.get("properties", {})

    def make(self):
        made = [QgsProcessingParameterExtent(self.name, self.label, None, self.optional or bool(self.layer))]
        if self.layer:
            label = f"{self.title}: polygons of a layer instead"
            kinds = [SOURCES.TypeVectorPolygon]
            made.append(QgsProcessingParameterFeatureSource(self.layer, label, kinds, None, True))
        return made

    def read(self, run):
        if self.layer and run.has(self.layer):
            return run.uploads.features(run, self.layer)
        if not run.has(self.name):
            return None
        crs = run.algorithm.parameterAsExtentCrs(run.parameters, self.name, run.context)
        name = crs.authid() if self.takes_crs and crs.isValid() and not crs.isGeographic() else ""
        if not name.startswith("EPSG:"):
            crs, name = QgsCoordinateReferenceSystem("EPSG:4326"), CRS84
        box = run.algorithm.parameterAsExtent(run.parameters, self.name, run.context, crs)
        corners = [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]
        return {"bbox": corners, "crs": name} if self.takes_crs else {"bbox": corners}

    def fault(self, run):
        given = [name for name in (self.name, self.layer) if name and run.has(name)]
        if len(given) > 1:
            return "give a box or a layer of polygons, not both"
        return "give a box or a layer of polygons" if self.required and not given else None


class PointInput(Input):
    """A point, as GeoJSON in longitude and latitude."""

    prominent = True

    def make(self):
        return [QgsProcessingParameterPoint(self.name, self.label, None, self.optional)]

    def read(self, run):
        if not run.has(self.name):
            return None
        wgs84 = QgsCoordinateReferenceSystem("EPSG:4326")
        point = run.algorithm.parameterAsPoint(run.parameters, self.name, run.context, wgs84)
        return {"type": "Point", "coordinates": [point.x(), point.y()]}


class FileInput(Input):
    """A file that the server reads: a layer that is sent along, or data that it has by a name."""

    prominent = True
    #: Kinds of the server's collections that may be given by their name.
    kinds = ()

    def __init__(self, name, member, schema, names=()):
        super().__init__(name, member, schema)
        self.other = f"{name}_ref"
        if names:
            self.help += f" The server offers: {', '.join(names)}."

    def make(self):
        label = f"{self.title}: by a name on the server, or a link to a result"
        other = text(self.other, label, None, True)
        if self.optional:
            other.setFlags(other.flags() | ADVANCED)
        return [self.own(), other]

    def own(self):
        """The parameter of the layer or file itself."""
        raise NotImplementedError

    def send(self, run):
        """The layer or file as it is sent."""
        raise NotImplementedError

    def read(self, run):
        if run.has(self.other):
            given = run.text(self.other)
            return parse(self.other, given) if given.startswith("{") else given
        return self.send(run) if run.has(self.name) else None

    def fault(self, run):
        given = run.has(self.name) + run.has(self.other)
        if given > 1:
            return f"give it once: here, or by its name on the server ({self.other})"
        if self.required and not given:
            return f"give it here, or by its name on the server ({self.other})"
        return None


class FeaturesInput(FileInput):
    """Points or polygons, such as samples and mines."""

    kinds = ("features",)

    def own(self):
        kinds = [SOURCES.TypeVectorPoint, SOURCES.TypeVectorPolygon, SOURCES.TypeFile]
        return QgsProcessingParameterFeatureSource(self.name, self.label, kinds, None, True)

    def send(self, run):
        return run.uploads.features(run, self.name)


class RasterInput(FileInput):
    """A raster, such as a map that was made before."""

    kinds = ("classes", "percent", "values")

    def own(self):
        return QgsProcessingParameterRasterLayer(self.name, self.label, None, True)

    def send(self, run):
        return run.uploads.raster(run, self.name)


class DocumentInput(FileInput):
    """A file of any other kind, such as a model."""

    def own(self):
        kind = QgsProcessingParameterFile.Behavior.File
        return QgsProcessingParameterFile(self.name, self.label, kind, "", None, True)

    def send(self, run):
        return run.uploads.document(run, self.name)


class BytesInput(Input):
    """A file as base64."""

    def make(self):
        kind = QgsProcessingParameterFile.Behavior.File
        return [QgsProcessingParameterFile(self.name, self.label, kind, "", None, self.optional)]

    def read(self, run):
        if not run.has(self.name):
            return None
        path = run.algorithm.parameterAsFile(run.parameters, self.name, run.context)
        return base64.b64encode(read_bytes(self.name, path)).decode()


def read_bytes(name, path):
    """A file's bytes.

    :raises InputError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InputError(name, f"cannot read {path}: {error.strerror}") from error


def as_document(name, path):
    """A file as a value of a request: its JSON, or its bytes as base64."""
    content = read_bytes(name, path)
    try:
        value = json.loads(content)
        if isinstance(value, dict):
            return value
    except ValueError:
        pass
    return data_link(content, media_type(path))


def data_link(content, media_type):
    """Bytes as a link that holds them: it may stand wherever a link may."""
    plain = media_type.replace(" ", "")
    return {"href": f"data:{plain};base64,{base64.b64encode(content).decode()}", "type": media_type}


def media_type(path):
    """The media type of a file, by its ending."""
    known = {"csv": "text/csv", "txt": "text/plain", "tif": "image/tiff; application=geotiff"}
    return known.get(path.rsplit(".", 1)[-1].lower(), "application/octet-stream")
