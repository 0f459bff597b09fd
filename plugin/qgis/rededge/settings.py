# SPDX-License-Identifier: GPL-2.0-or-later
"""The list of servers, in the settings of the profile.

One group a server below ``rededge/servers``, so that an administrator can deploy them by a ``QGIS3.ini``
(``QGIS4.ini`` in QGIS 4): ``name``, ``url``, ``authcfg`` (an id of QGIS's authentication manager) and
``timeout``.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from qgis.core import QgsSettings

GROUP = "rededge/servers"
TIMEOUT = 30


@dataclass(frozen=True)
class Server:
    """A server: what it is called, where it is, and who calls."""

    key: str
    name: str
    url: str
    authcfg: str = ""
    timeout: int = TIMEOUT

    def owns(self, url):
        """Whether an address is this server's: only there are credentials sent."""
        mine, other = urlsplit(self.url), urlsplit(url)
        return (mine.scheme, mine.netloc) == (other.scheme, other.netloc)


def key_of(name):
    """The part of algorithm ids that stands for a server: ``My county`` becomes ``my_county``."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "server"


def fault_of(name, url):
    """What is wrong with a name and an address, or none."""
    parts = urlsplit(url.strip())
    if not name.strip():
        return "give the server a name"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"“{url}” is not an address such as http://127.0.0.1:8080"
    if parts.username or parts.password:
        return "keep passwords out of the address: choose an authentication configuration"
    return None


def make_server(name, url, authcfg="", timeout=TIMEOUT):
    """A server from what was typed in.

    :raises ValueError: the name or the address cannot be.
    """
    fault = fault_of(name, url)
    if fault:
        raise ValueError(fault)
    return Server(key_of(name), name.strip(), url.strip().rstrip("/"), authcfg, int(timeout))


def servers():
    """All servers, by name."""
    store = QgsSettings()
    store.beginGroup(GROUP)
    found = []
    for key in store.childGroups():
        url = str(store.value(f"{key}/url", "") or "").rstrip("/")
        if url:
            name = str(store.value(f"{key}/name", key) or key)
            authcfg = str(store.value(f"{key}/authcfg", "") or "")
            timeout = int(store.value(f"{key}/timeout", TIMEOUT) or TIMEOUT)
            found.append(Server(key, name, url, authcfg, timeout))
    store.endGroup()
    return sorted(found, key=lambda server: server.name.lower())


def save(chosen):
    """Puts these servers in the place of those that are there.

    :raises ValueError: two of them have the same key.
    """
    keys = [server.key for server in chosen]
    if len(set(keys)) < len(keys):
        raise ValueError("two servers have the same name")
    store = QgsSettings()
    store.remove(GROUP)
    for server in chosen:
        for member in ("name", "url", "authcfg", "timeout"):
            store.setValue(f"{GROUP}/{server.key}/{member}", getattr(server, member))
    store.sync()
