# SPDX-License-Identifier: GPL-2.0-or-later
"""Outputs: what Processing is told of them, what is asked of the server, and how they are loaded."""

import os

from qgis.core import (
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterVectorDestination,
)

from .client import ServerError
from .download import download
from .origins import remember
from .parameters import alternatives

#: Media type by ending, of what servers write for features.
FEATURES = {
    "gpkg": "application/geopackage+sqlite3",
    "geojson": "application/geo+json",
    "fgb": "application/flatgeobuf",
    "csv": "text/csv",
}
#: Name and ending of other files, by media type.
FILES = {
    "text/html": ("HTML files", "html"),
    "text/markdown": ("Markdown files", "md"),
    "image/svg+xml": ("SVG files", "svg"),
    "image/png": ("PNG files", "png"),
    "application/json": ("JSON files", "json"),
}
#: Outputs that are made unless they are switched off.
WANTED = ("raster", "features", "table", "text/html")
VALUES = {
    "number": QgsProcessingOutputNumber,
    "integer": QgsProcessingOutputNumber,
    "boolean": QgsProcessingOutputBoolean,
    "string": QgsProcessingOutputString,
}


class Output:
    """An output of a process. Its parameter is ``out_`` and its name, as inputs often have the
    same name.
    """

    def __init__(self, name, member):
        self.name = name
        self.parameter = f"out_{name}"
        self.title = member.get("title") or name
        self.help = member.get("description") or ""
        shapes = alternatives(member["schema"])
        self.media_types = [s["contentMediaType"] for s in shapes if s.get("contentMediaType")]
        self.kind = self._kind(shapes)

    def _kind(self, shapes):
        essences = [media_type.split(";")[0].strip() for media_type in self.media_types]
        if "image/tiff" in essences:
            return "raster"
        if "application/geo+json" in essences:
            return "features"
        if essences[:1] == ["text/csv"]:
            return "table"
        if essences:
            return essences[0]
        kind = shapes[0].get("type") if len(shapes) == 1 else None
        return "value" if kind in VALUES else "application/json"

    def definition(self, wanted):
        """The destination; none for a plain value. ``wanted`` outputs are made by default."""
        if self.kind == "value":
            return None
        default = QgsProcessing.TEMPORARY_OUTPUT if wanted else None
        arguments = (default, True, wanted)
        if self.kind == "raster":
            made = QgsProcessingParameterRasterDestination(self.parameter, self.title, *arguments)
        elif self.kind == "features":
            any_place = QgsProcessing.SourceType.TypeVectorAnyGeometry
            made = QgsProcessingParameterVectorDestination(self.parameter, self.title, any_place, *arguments)
        elif self.kind == "table":
            no_place = QgsProcessing.SourceType.TypeVector
            made = QgsProcessingParameterVectorDestination(self.parameter, self.title, no_place, *arguments)
        else:
            made = QgsProcessingParameterFileDestination(
                self.parameter, self.title, self.file_filter(), *arguments
            )
        made.setHelp(self.help)
        return made

    def file_filter(self):
        """What files of this kind are called."""
        kind = "application/json" if self.kind.endswith("+json") else self.kind
        what, ending = FILES.get(kind, ("Files", "bin"))
        return f"{what} (*.{ending})"

    def value_output(self, member):
        """The output of a plain value."""
        kind = alternatives(member["schema"])[0]["type"]
        return VALUES[kind](self.parameter, self.title)

    def path(self, run):
        """Where the output shall go; empty where nobody wants it."""
        if not run.has(self.parameter):
            return ""
        as_layer = self.kind in ("raster", "features", "table")
        read = run.algorithm.parameterAsOutputLayer if as_layer else run.algorithm.parameterAsFileOutput
        return read(run.parameters, self.parameter, run.context)

    def request(self, path):
        """What is asked of the server for it."""
        if self.kind == "value":
            return {}
        asked = {"transmissionMode": "reference"}
        if self.kind == "features":
            ending = os.path.splitext(path)[1].lstrip(".").lower()
            if ending not in FEATURES:
                known = ", ".join(f".{known}" for known in FEATURES)
                raise QgsProcessingException(f"{self.title}: .{ending} is not known (but {known})")
            asked["format"] = {"mediaType": FEATURES[ending]}
        return asked


def fetch(output, href, path, client, feedback):
    """Loads an output into its file, with the style beside it, which QGIS takes up by itself."""
    feedback.setProgressText(f"loading {output.title}")
    download(client, href, path, feedback)
    remember(path, href)
    if output.kind in ("raster", "features"):
        style = style_of(client, href)
        if style:
            with open(f"{os.path.splitext(path)[0]}.qml", "wb") as file:
                file.write(style)


def style_of(client, href):
    """The style of a result, where the server has one."""
    try:
        content = client.get(f"{href}?f=qml", accept="*/*").content
    except ServerError:
        return None
    return content if b"<qgis" in content[:400] else None
