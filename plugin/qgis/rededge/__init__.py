# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes of rededge servers as algorithms of QGIS Processing."""


def classFactory(iface):  # noqa: N802 (the name that QGIS asks for)
    """The plugin, as QGIS loads it; ``iface`` is none where there is no window."""
    from .plugin import RededgePlugin

    return RededgePlugin(iface)
