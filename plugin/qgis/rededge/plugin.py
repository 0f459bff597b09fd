# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin: the provider, and in a window the menu, the page of options and the refresh."""

from qgis.core import Qgis, QgsApplication, QgsTask
from qgis.PyQt.QtGui import QIcon

from . import catalog, settings
from .client import ServerError
from .provider import ICON, RededgeProvider, log


class RededgePlugin:
    """What QGIS loads. ``qgis_process`` calls ``initProcessing`` alone, as it has no window."""

    def __init__(self, iface):
        self.iface = iface
        self.provider = None
        self.factory = None
        self.menu = None
        self.tasks = []

    def initProcessing(self):  # noqa: N802 (QGIS calls it so)
        """Adds the provider."""
        self.provider = RededgeProvider(ask=self.iface is None)
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):  # noqa: N802
        """Adds provider, menu and options, and looks in the background for what is new."""
        from qgis.PyQt.QtWidgets import QMenu

        from .options import OptionsFactory

        self.initProcessing()
        self.factory = OptionsFactory(self.refresh)
        self.iface.registerOptionsWidgetFactory(self.factory)
        self.menu = QMenu("rededge")
        self.menu.setIcon(QIcon(ICON))
        self.menu.addAction("Refresh processes", self.refresh)
        self.menu.addAction(
            "Servers…", lambda: self.iface.showOptionsDialog(currentPage=self.factory.title())
        )
        self.iface.pluginMenu().addMenu(self.menu)
        self.refresh(quiet=True)

    def unload(self):
        """Takes everything away again."""
        for task in self.tasks:
            task.cancel()
        if self.menu is not None:
            self.iface.pluginMenu().removeAction(self.menu.menuAction())
            self.iface.unregisterOptionsWidgetFactory(self.factory)
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None

    def refresh(self, *_, quiet=False):
        """Asks all servers again, beside everything else; ``quiet`` tells of trouble in the log
        alone.
        """
        for server in settings.servers():
            task = Refresh(server, lambda task: self.refreshed(task, quiet))
            self.tasks.append(task)
            QgsApplication.taskManager().addTask(task)
        self.provider.refreshAlgorithms()

    def refreshed(self, task, quiet):
        """Shows what a server said."""
        self.tasks.remove(task)
        if self.provider is None:
            return
        if task.fault:
            log(task.fault)
            if not quiet:
                self.iface.messageBar().pushMessage("rededge", task.fault, Qgis.MessageLevel.Warning)
        else:
            self.provider.refreshAlgorithms()
            if not quiet:
                text = f"{task.server.name}: {task.count} processes"
                self.iface.messageBar().pushMessage("rededge", text, Qgis.MessageLevel.Success)


class Refresh(QgsTask):
    """Asks one server what it offers, in a thread of its own."""

    def __init__(self, server, done):
        super().__init__(f"rededge: asking {server.name}")
        self.server = server
        self.done = done
        self.fault = ""
        self.count = 0

    def run(self):
        """In the thread."""
        try:
            self.count = len(catalog.fetch(self.server).processes)
        except ServerError as error:
            self.fault = str(error)
        return True

    def finished(self, result):
        """In the main thread again."""
        self.done(self)
