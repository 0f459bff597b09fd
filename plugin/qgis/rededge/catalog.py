# SPDX-License-Identifier: GPL-2.0-or-later
"""What a server offers: its processes with their descriptions, and its data by name.

Kept in the profile, so that QGIS starts without waiting for a server, and without one.
"""

import json
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from qgis.core import QgsApplication

from .client import Client, ServerError

VERSION = 1


class Catalog:
    """Descriptions of the processes of one server, and the names of its data."""

    def __init__(self, url, processes, collections=(), classes=()):
        self.url = url
        self.processes = list(processes)
        self.collections = list(collections)
        self.classes = list(classes)

    def serves(self, end):
        """Whether a conformance class whose address ends like this is declared."""
        return any(declared.endswith(end) for declared in self.classes)

    def names(self, *kinds):
        """The names under which inputs may use what the operator configured, of these kinds."""
        return [c["name"] for c in self.collections if c["kind"] in kinds]


def folder():
    """Where the profile keeps what servers said."""
    return Path(QgsApplication.qgisSettingsDirPath()) / "rededge"


def load(server):
    """What is kept of a server; none where nothing is, or where it is of another address."""
    try:
        kept = json.loads((folder() / f"{server.key}.json").read_text(encoding="utf-8"))
        if kept["version"] != VERSION or kept["url"] != server.url:
            return None
        return Catalog(server.url, kept["processes"], kept["collections"], kept["classes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fetch(server, feedback=None):
    """Asks a server for all it offers, and keeps it.

    :raises ServerError: it is down, does not let us in, or is something else.
    """
    client = Client(server, feedback)
    listed = client.get("/processes").json()
    if not isinstance(listed, dict) or not isinstance(listed.get("processes"), list):
        raise ServerError(f"{server.url} is no OGC API - Processes: /processes lists none")
    ids = [str(summary.get("id", "")) for summary in listed["processes"]]
    processes = [client.get(f"/processes/{quote(name, safe='')}").json() for name in ids]
    classes = client.get("/conformance").json().get("conformsTo", [])
    catalog = Catalog(server.url, processes, offered(client), classes)
    keep(server, catalog)
    return catalog


def offered(client):
    """The data that requests may name, where the server tells."""
    try:
        listed = client.get("/collections?limit=1000").json()
    except ServerError as error:
        if error.status:
            return []
        raise
    return [
        {"kind": collection.get("kind"), "name": collection["offeredAs"]}
        for collection in listed.get("collections", [])
        if collection.get("offeredAs")
    ]


def keep(server, catalog):
    """Writes what a server said into the profile: aside first, so that no half of it is read."""
    folder().mkdir(parents=True, exist_ok=True)
    kept = {
        "version": VERSION,
        "url": server.url,
        "processes": catalog.processes,
        "collections": catalog.collections,
        "classes": catalog.classes,
    }
    handle, aside = tempfile.mkstemp(dir=folder(), suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(kept, file)
    os.replace(aside, folder() / f"{server.key}.json")


def forget(server):
    """Removes what is kept of a server."""
    (folder() / f"{server.key}.json").unlink(missing_ok=True)
