# SPDX-License-Identifier: GPL-2.0-or-later
"""The provider: an algorithm a process, a group a server."""

import os

from qgis.core import Qgis, QgsMessageLog, QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from . import catalog, settings
from .algorithm import ProcessAlgorithm
from .client import ServerError
from .results import FEATURES

ICON = os.path.join(os.path.dirname(__file__), "icon.svg")


class RededgeProvider(QgsProcessingProvider):
    """Algorithms of all servers, from what the profile keeps of them."""

    def __init__(self, ask=True):
        """``ask``: servers of which nothing is kept are asked at once, as without a window
        there is nobody who could refresh.
        """
        super().__init__()
        self.ask = ask

    def id(self):
        """Before the colon of algorithm ids."""
        return "rededge"

    def name(self):
        """In the toolbox."""
        return "rededge"

    def longName(self):  # noqa: N802 (QGIS calls it so)
        """In lists of providers."""
        return "rededge (rice, stress and mines)"

    def icon(self):
        """The same as the plugin's."""
        return QIcon(ICON)

    def svgIconPath(self):  # noqa: N802
        """The same as the plugin's."""
        return ICON

    def warningMessage(self):  # noqa: N802
        """What keeps the provider from being of use."""
        return "" if settings.servers() else "Name a server in Settings → Options → rededge."

    def loadAlgorithms(self):  # noqa: N802
        """Makes the algorithms."""
        for server in settings.servers():
            found = catalog.load(server)
            if found is None and self.ask:
                try:
                    found = catalog.fetch(server)
                except ServerError as error:
                    log(str(error))
            for description in found.processes if found else ():
                try:
                    algorithm = ProcessAlgorithm(server, found, description)
                    algorithm.declared()
                except (KeyError, TypeError, AttributeError) as error:
                    log(f"{server.name}: a description is not understood ({error!r}): {description}"[:500])
                else:
                    self.addAlgorithm(algorithm)

    def defaultVectorFileExtension(self, hasGeometry=True):  # noqa: N802, N803
        """Zones as GeoPackage, tables as CSV."""
        return "gpkg" if hasGeometry else "csv"

    def defaultRasterFileExtension(self):  # noqa: N802
        """Maps as GeoTIFF."""
        return "tif"

    def supportedOutputVectorLayerExtensions(self):  # noqa: N802
        """What servers write."""
        return list(FEATURES)

    def supportedOutputTableExtensions(self):  # noqa: N802
        """What servers write."""
        return ["csv"]

    def supportedOutputRasterLayerExtensions(self):  # noqa: N802
        """What servers write."""
        return ["tif"]

    def supportsNonFileBasedOutput(self):  # noqa: N802
        """Results are files."""
        return False


def log(message):
    """A warning in the panel of log messages."""
    QgsMessageLog.logMessage(message, "rededge", Qgis.MessageLevel.Warning)
