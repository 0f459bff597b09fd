# SPDX-License-Identifier: GPL-2.0-or-later
"""A real QGIS without a window, and real servers on a simulated county.

``REDEDGE`` names the binary; else that of ``target/release`` is used.
"""

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
HOME = Path(tempfile.mkdtemp(prefix="rededge-qgis-"))
PROFILE = HOME / "profiles" / "default"
PASSWORD = HOME / "master-password"
MASTER = "a master password of tests"

PROFILE.mkdir(parents=True)
PASSWORD.write_text(MASTER)
os.environ.update(
    QT_QPA_PLATFORM="offscreen",
    QGIS_CUSTOM_CONFIG_PATH=str(HOME),
    QGIS_AUTH_DB_DIR_PATH=str(PROFILE),
    QGIS_AUTH_PASSWORD_FILE=str(PASSWORD),
    XDG_RUNTIME_DIR=str(HOME),
)
os.environ.pop("HTTP_PROXY", None)
sys.path[:0] = ["/usr/share/qgis/python/plugins", str(HERE.parent), str(HERE)]

from county import Server, simulate
from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QCoreApplication, QSettings


@pytest.fixture(scope="session", autouse=True)
def qgis():
    """QGIS with Processing, in a profile of its own."""
    QCoreApplication.setOrganizationName("QGIS")
    QCoreApplication.setApplicationName(QgsApplication.QGIS_APPLICATION_NAME)
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(PROFILE))
    app = QgsApplication([], True, str(PROFILE))
    app.initQgis()
    assert app.authManager().setMasterPassword(MASTER, True)
    from processing.core.Processing import Processing

    Processing.initialize()
    yield app
    QgsProject.instance().clear()
    app.exitQgis()
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def county(tmp_path_factory):
    """A simulated county: scenes, samples, mines."""
    return simulate(tmp_path_factory.mktemp("county") / "data")


@pytest.fixture(scope="session")
def server(county, tmp_path_factory):
    """A server that offers the county by name."""
    with Server(tmp_path_factory.mktemp("server"), county) as running:
        yield running


@pytest.fixture
def provider(server):
    """The plugin with one server, as it is without a window."""
    with plugin_with(server) as made:
        yield made


@contextmanager
def plugin_with(*running, **particulars):
    """The provider of the plugin, set up for servers."""
    from rededge import classFactory, settings

    chosen = [settings.make_server(one.name, one.url, **particulars) for one in running]
    settings.save(chosen)
    plugin = classFactory(None)
    plugin.initProcessing()
    try:
        yield plugin.provider
    finally:
        plugin.unload()
        settings.save([])
        QgsProject.instance().clear()
