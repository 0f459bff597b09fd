# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``walk.sh`` has QGIS do: connect, run, look, filter, export; a picture a step. Filter and
export go through QGIS's own dialogs.

Each step is a generator's turn; between two turns QGIS draws, and a turn that yields a function is
waited for until that is true.
"""

import os
import sys
import time
import traceback

from qgis import processing
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsVectorLayer,
)
from qgis.gui import QgsFileWidget, QgsQueryBuilder
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QSize, QTimer
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import QAction, QApplication, QComboBox, QDialogButtonBox, QDockWidget, QTableView
from qgis.utils import iface, plugins

from rededge.options import OptionsPage, ServerDialog

PICTURES = os.environ["REDEDGE_PICTURES"]
URL = os.environ["REDEDGE_URL"]
COUNTY = os.environ["REDEDGE_COUNTY"]
OUT = os.environ["REDEDGE_OUT"]
window = iface.mainWindow()


def picture(widget, name):
    """Keeps what a widget shows."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    assert image.save(os.path.join(PICTURES, f"qgis-{name}.png"), "PNG", 0)
    print(f"walk: {name}", flush=True)


def docks(*shown):
    """Shows these docks and no others."""
    for dock in window.findChildren(QDockWidget):
        dock.setVisible(dock.objectName() in shown)


def drawn():
    """Whether the map stands still."""
    return not iface.mapCanvas().isDrawing()


def layer(name):
    """The layer of this name in the project."""
    return QgsProject.instance().mapLayersByName(name)[0]


def answer(action, fill, name):
    """Chooses an action that asks something: fills in its dialog, keeps a picture of it, and agrees."""

    def look():
        dialog = QApplication.activeModalWidget()
        if dialog is None:
            QTimer.singleShot(200, look)
            return
        fill(dialog)
        QTimer.singleShot(600, lambda: agree(dialog))

    def agree(dialog):
        picture(dialog, name)
        found = (
            box.button(QDialogButtonBox.StandardButton.Ok) for box in dialog.findChildren(QDialogButtonBox)
        )
        next(button for button in found if button is not None).click()

    QTimer.singleShot(400, look)
    action.trigger()


def write_filter(dialog):
    """What the planner writes into the filter of the zones."""
    sip.cast(dialog, QgsQueryBuilder).setSql('"distanceM" <= 3000')


def save_as(dialog, target):
    """What the planner fills in to save the zones."""
    dialog.findChild(QComboBox, "mFormatComboBox").setCurrentText("GeoPackage")
    dialog.findChild(QgsFileWidget, "mFilename").setFilePath(target)


def steps():
    """The walk."""
    window.showNormal()
    window.resize(QSize(1000, 660))
    yield 1.0

    # 1. Connect.
    dialog = ServerDialog(window)
    dialog.name.setText("County")
    dialog.url.setText(URL)
    dialog.show()
    dialog.test()
    yield 0.5
    picture(dialog, "1-connect")
    page = OptionsPage(window, plugins["rededge"].refresh)
    page.servers.append(dialog.server())
    dialog.close()
    page.apply()
    yield lambda: len(plugins["rededge"].provider.algorithms()) > 10

    # 2. The processes, beside the mines of the planner's register that are still worked.
    project = QgsProject.instance()
    mines = QgsVectorLayer(os.path.join(COUNTY, "mines.geojson"), "Register of mines", "ogr")
    mines.setSubsetString("\"status\" = 'active'")
    project.addMapLayer(mines)
    docks("Layers", "ProcessingToolbox")
    toolbox = window.findChild(QDockWidget, "ProcessingToolbox")
    toolbox.searchBox.setText("county")
    toolbox.setMinimumWidth(330)
    yield 1.0
    project.setCrs(QgsCoordinateReferenceSystem("EPSG:32649"))
    iface.zoomToActiveLayer()
    yield 1.0
    yield drawn
    picture(window, "2-toolbox")

    # 3. Fill in the form of the whole chain.
    temporary = QgsProcessingOutputLayerDefinition(QgsProcessing.TEMPORARY_OUTPUT, project)
    given = {
        "cube": "county-2019",
        "riceModel_ref": "rice-model",
        "model_ref": "stress-model",
        "mines": mines.id(),
        "simplify": 10,
        "out_riceMap": temporary,
        "out_stressMap": temporary,
        "out_zones": temporary,
        "out_mines": temporary,
        "out_density": temporary,
        "out_report": os.path.join(OUT, "report.html"),
    }
    dialog = processing.createAlgorithmDialog("rededge:county.monitor", given)
    dialog.resize(QSize(900, 700))
    dialog.show()
    yield 1.5
    picture(dialog, "3-monitor")

    # 4. Run it.
    dialog.runAlgorithm()
    yield 2.0
    yield lambda: project.mapLayersByName("Zones")
    yield 1.0
    picture(dialog, "4-log")
    dialog.close()

    # 5. Zones over mines.
    docks("Layers")
    for name in ("Probability", "Rice confidence", "Density", "Rice map", "Association table"):
        for found in project.mapLayersByName(name):
            node = project.layerTreeRoot().findLayer(found)
            node.setItemVisibilityChecked(False)
            node.setExpanded(False)
    zones = layer("Zones")
    iface.setActiveLayer(zones)
    iface.zoomToActiveLayer()
    iface.setActiveLayer(layer("Mines"))
    iface.messageBar().clearWidgets()
    yield 1.5
    yield drawn
    picture(window, "5-zones")

    # 6. Only those within three kilometres of a mine that is worked.
    before = zones.featureCount()
    iface.setActiveLayer(zones)
    answer(window.findChild(QAction, "mActionLayerSubsetString"), write_filter, "6-filter")
    assert 0 < zones.featureCount() < before, f"{zones.featureCount()} of {before}"
    iface.showAttributeTable(zones)
    yield 1.0
    table = next(w for w in QApplication.topLevelWidgets() if w.objectName().startswith("QgsAttributeTable"))
    table.resize(QSize(1100, 420))
    yield 0.5
    columns = table.findChild(QTableView).horizontalScrollBar()
    columns.setValue(columns.maximum())
    yield 0.5
    picture(table, "7-table")
    table.close()
    yield drawn
    picture(window, "8-filtered")

    # 7. Hand them on.
    target = os.path.join(OUT, "stressed-rice-near-mines.gpkg")
    iface.setActiveLayer(zones)
    answer(iface.actionLayerSaveAs(), lambda dialog: save_as(dialog, target), "9-export")
    yield lambda: os.path.exists(target) and QgsVectorLayer(target, "saved", "ogr").isValid()
    yield 1.0
    assert QgsVectorLayer(target, "saved", "ogr").featureCount() == zones.featureCount()
    iface.mapCanvas().saveAsImage(os.path.join(OUT, "map.png"))
    print(f"walk: {zones.featureCount()} of {before} zones; done", flush=True)


def walk(turns):
    """Takes the next step as soon as what the last one waits for is there."""
    try:
        wait = next(turns)
    except StopIteration:
        end(0)
        return
    except Exception:
        traceback.print_exc()
        end(1)
        return
    if callable(wait):
        until(turns, wait, time.monotonic() + 120)
    else:
        QTimer.singleShot(int(wait * 1000), lambda: walk(turns))


def until(turns, ready, latest):
    """Looks five times a second whether the walk may go on."""
    if ready():
        QTimer.singleShot(200, lambda: walk(turns))
    elif time.monotonic() > latest:
        print("walk: waited in vain", flush=True)
        end(1)
    else:
        QTimer.singleShot(200, lambda: until(turns, ready, latest))


def end(code):
    """Leaves without questions."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def stumbled(kind, error, trace):
    """Ends the walk where QGIS would show a window with the error."""
    traceback.print_exception(kind, error, trace)
    end(1)


sys.excepthook = stumbled
QTimer.singleShot(3000, lambda: walk(steps()))
