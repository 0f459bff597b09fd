# SPDX-License-Identifier: GPL-2.0-or-later
"""Results that stay on the server: maps as tiles (XYZ), features as OGC API - Features. Nothing is
loaded but what is looked at.
"""

import json
from urllib.parse import quote

from qgis.core import QgsDataSourceUri, QgsProcessingParameterEnum, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtXml import QDomDocument

from .client import ServerError
from .origins import ORIGIN
from .parameters import ADVANCED
from .results import style_of

#: Ends of the conformance classes that are needed, by the kind of output.
NEEDED = {"raster": "ogcapi-tiles-1/1.0/conf/tileset", "features": "ogcapi-features-1/1.0/conf/core"}

#: The parameter by which a user chooses, and its words.
LOAD, FILES, ON_SERVER = "load", "files", "server"


def choice():
    """The parameter by which a user chooses."""
    words = [FILES, ON_SERVER]
    made = QgsProcessingParameterEnum(LOAD, "Load maps and features as", words, False, FILES, True, True)
    made.setHelp("Files on this machine, or tiles and features that the server shows as they are looked at.")
    made.setFlags(made.flags() | ADVANCED)
    return made


def chosen(run):
    """Whether results shall stay on the server."""
    return run.text(LOAD) == ON_SERVER


def offers(catalog):
    """The kinds of outputs that a server lets one look at."""
    return [kind for kind, end in NEEDED.items() if catalog.serves(end)]


def layer_of(output, href, client):
    """A layer that shows an output from the server; none where the server does not serve it so."""
    job, _, _ = href.rpartition("/results/")
    collection = f"{job.rpartition('/')[2]}-{output.name}"
    try:
        told = client.get(f"/collections/{quote(collection)}").json()
        layer = (
            tiles(output, told, client) if output.kind == "raster" else features(output, href, told, client)
        )
    except ServerError as error:
        if not error.status:
            raise
        return None
    if layer is None or not layer.isValid():
        return None
    layer.setCustomProperty(ORIGIN, json.dumps([href]))
    return layer


def tiles(output, told, client):
    """A layer of map tiles, by the collection's TileJSON."""
    links = [link["href"] for link in told.get("links", []) if link["href"].endswith("tilejson.json")]
    if not links:
        return None
    described = client.get(links[0]).json()
    template = described["tiles"][0]
    parts = [
        "type=xyz",
        f"url={quote(template, safe=':/{}?')}",
        f"zmin={described.get('minzoom', 0)}",
        f"zmax={described.get('maxzoom', 18)}",
    ]
    if client.server.authcfg and client.server.owns(template):
        parts.append(f"authcfg={client.server.authcfg}")
    return QgsRasterLayer("&".join(parts), output.title, "wms")


def features(output, href, told, client):
    """A layer of features, with their style."""
    source = QgsDataSourceUri()
    source.setParam("url", client.server.url)
    source.setParam("typename", told["id"])
    if client.server.authcfg:
        source.setAuthConfigId(client.server.authcfg)
    layer = QgsVectorLayer(source.uri(False), output.title, "OAPIF")
    style = style_of(client, href)
    if style:
        document = QDomDocument()
        document.setContent(style)
        layer.importNamedStyle(document)
    return layer


def keep(layer, path, context):
    """Hands a layer to Processing in the place of a file. Returns what it is called there."""
    waiting = context.layersToLoadOnCompletion()
    context.temporaryLayerStore().addMapLayer(layer)
    if path in waiting:
        waiting[layer.id()] = waiting.pop(path)
        context.setLayersToLoadOnCompletion(waiting)
    return layer.id()
