# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers to pictures. ``REDEDGE_PICTURES`` names a folder where they are kept to be looked at."""

import os
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor


def render(layers, name, crs="EPSG:32649", size=(640, 640)):
    """A picture of layers, the first on top, over the extent of the last."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setBackgroundColor(QColor("white"))
    settings.setOutputSize(QSize(*size))
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    settings.setTransformContext(QgsProject.instance().transformContext())
    bottom = layers[-1]
    to_map = QgsCoordinateTransform(bottom.crs(), settings.destinationCrs(), QgsProject.instance())
    extent = QgsRectangle(to_map.transformBoundingBox(bottom.extent()))
    extent.scale(1.05)
    settings.setExtent(extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    assert not job.errors(), [error.message for error in job.errors()]
    image = job.renderedImage()
    folder = os.environ.get("REDEDGE_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        assert image.save(str(Path(folder) / f"{name}.png"))
    return image


def colours(image, step=4):
    """How many of the pixels looked at have each colour."""
    counted = {}
    for x in range(0, image.width(), step):
        for y in range(0, image.height(), step):
            name = image.pixelColor(x, y).name()
            counted[name] = counted.get(name, 0) + 1
    return counted
