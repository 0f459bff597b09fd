# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers of one run in one group of the layer tree: points such as mines over zones over maps."""

from datetime import datetime

from qgis.core import QgsProcessingLayerPostProcessorInterface, QgsVectorLayer, QgsWkbTypes
from qgis.utils import iface

from .origins import ORIGIN, note_of

#: Post-processors live until their layer is loaded: Processing keeps no reference of its own.
_waiting = {}


def rank(layer):
    """Where a layer stands in its group: points first, then lines, polygons, tables, rasters."""
    if not isinstance(layer, QgsVectorLayer):
        return 4
    kinds = QgsWkbTypes.GeometryType
    order = [kinds.PointGeometry, kinds.LineGeometry, kinds.PolygonGeometry]
    return order.index(layer.geometryType()) if layer.geometryType() in order else 3


class IntoGroup(QgsProcessingLayerPostProcessorInterface):
    """Puts a loaded layer into its group, styled, and notes which result it shows."""

    def __init__(self, path, group):
        super().__init__()
        self.path = path
        self.group = group

    def postProcessLayer(self, layer, context, feedback):  # noqa: N802 (QGIS calls it so)
        """What Processing calls after a layer was loaded."""
        note = note_of(self.path)
        if note:
            layer.setCustomProperty(ORIGIN, note)
            layer.loadDefaultStyle()
        root = context.project().layerTreeRoot()
        node = root.findLayer(layer.id())
        # Newer versions of QGIS sort layers into ``groupName`` after this.
        if node is not None:
            group = root.findGroup(self.group) or root.insertGroup(0, self.group)
            # Inserted before it is removed: a layer that is nowhere in the tree leaves the project.
            above = [n for n in group.findLayers() if rank(n.layer()) <= rank(layer) and n is not node]
            place = max((group.children().index(n) + 1 for n in above), default=0)
            group.insertChildNode(place, node.clone())
            node.parent().removeChildNode(node)
        if iface is not None:
            iface.layerTreeView().refreshLayerSymbology(layer.id())
        _waiting.pop(self.path, None)


def load_grouped(title, loaded, context):
    """Tells Processing to load layers into one group, those that it loads at all."""
    group = f"{title}, {datetime.now():%Y-%m-%d %H:%M}"
    for output, path in loaded:
        if not context.willLoadLayerOnCompletion(path):
            continue
        details = context.layerToLoadOnCompletionDetails(path)
        details.name = output.title
        if hasattr(details, "groupName"):
            details.groupName = group
            details.layerSortKey = {"features": 1, "table": 2, "raster": 3}.get(output.kind, 2)
        _waiting[path] = IntoGroup(path, group)
        details.setPostProcessor(_waiting[path])
