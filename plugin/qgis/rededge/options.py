# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of options: which servers there are, and whether they answer."""

from qgis.gui import QgsAuthConfigSelect, QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
)

from . import catalog, settings
from .client import Client, ServerError
from .provider import ICON


class OptionsFactory(QgsOptionsWidgetFactory):
    """Makes the page. ``changed`` is called when the servers are others than before."""

    def __init__(self, changed):
        super().__init__("rededge", QIcon(ICON))
        self.changed = changed

    def createWidget(self, parent):  # noqa: N802 (QGIS calls it so)
        """The page."""
        return OptionsPage(parent, self.changed)


class OptionsPage(QgsOptionsPageWidget):
    """A table of servers, and what can be done with it."""

    HEAD = ("Name", "Address", "Authentication", "Timeout")

    def __init__(self, parent, changed):
        super().__init__(parent)
        self.changed = changed
        self.servers = settings.servers()
        self.table = QTableWidget(0, len(self.HEAD))
        self.table.setHorizontalHeaderLabels(self.HEAD)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.doubleClicked.connect(self.edit)
        buttons = QHBoxLayout()
        for text, slot in (("Add…", self.add), ("Edit…", self.edit), ("Remove", self.remove)):
            button = QPushButton(text)
            button.clicked.connect(slot)
            buttons.addWidget(button)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Servers whose processes stand in the Processing toolbox"))
        layout.addWidget(self.table)
        layout.addLayout(buttons)
        self.show_servers()

    def show_servers(self):
        """Fills the table."""
        self.table.setRowCount(len(self.servers))
        for row, server in enumerate(self.servers):
            for column, text in enumerate((server.name, server.url, server.authcfg, f"{server.timeout} s")):
                self.table.setItem(row, column, QTableWidgetItem(text))

    def add(self, *_):
        """Asks for another server."""
        self.ask(ServerDialog(self), len(self.servers))

    def edit(self, *_):
        """Asks for other particulars of the server that is chosen."""
        row = self.table.currentRow()
        if row >= 0:
            self.ask(ServerDialog(self, self.servers[row]), row)

    def ask(self, dialog, row):
        """Shows the dialog until what was typed in can be, or is given up."""
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self.servers[row : row + 1] = [dialog.server()]
            self.show_servers()

    def remove(self, *_):
        """Takes the server that is chosen from the list."""
        row = self.table.currentRow()
        if row >= 0:
            del self.servers[row]
            self.show_servers()

    def isValid(self):  # noqa: N802
        """Names make the ids of algorithms, so no two may be the same."""
        if len({server.key for server in self.servers}) == len(self.servers):
            return True
        QMessageBox.warning(self, "rededge", "Two servers have the same name.")
        return False

    def apply(self):
        """Keeps the list."""
        before = settings.servers()
        settings.save(self.servers)
        for server in before:
            if server not in self.servers:
                catalog.forget(server)
        if before != settings.servers():
            self.changed()


class ServerDialog(QDialog):
    """Name, address and authentication of one server."""

    def __init__(self, parent=None, server=None):
        super().__init__(parent)
        self.setWindowTitle("rededge server")
        self.name = QLineEdit(server.name if server else "")
        self.url = QLineEdit(server.url if server else "http://127.0.0.1:8080")
        self.url.setMinimumWidth(360)
        self.auth = QgsAuthConfigSelect(self)
        self.auth.setConfigId(server.authcfg if server else "")
        self.timeout = QSpinBox()
        self.timeout.setRange(1, 3600)
        self.timeout.setSuffix(" s")
        self.timeout.setValue(server.timeout if server else settings.TIMEOUT)
        self.told = QLabel()
        self.told.setWordWrap(True)
        test = QPushButton("Test connection")
        test.clicked.connect(self.test)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form = QFormLayout(self)
        form.addRow("Name", self.name)
        form.addRow("Address", self.url)
        form.addRow("Authentication", self.auth)
        form.addRow("Timeout", self.timeout)
        form.addRow(test, self.told)
        form.addRow(buttons)

    def server(self):
        """The server as it was typed in.

        :raises ValueError: it cannot be.
        """
        timeout = self.timeout.value()
        return settings.make_server(self.name.text(), self.url.text(), self.auth.configId(), timeout)

    def test(self, *_):
        """Asks the server, and says what came of it."""
        QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            self.told.setText(try_out(self.server()))
        except ValueError as error:
            self.told.setText(str(error))
        finally:
            QApplication.restoreOverrideCursor()

    def accept(self):
        """Closes the dialog, if what was typed in can be."""
        try:
            self.server()
        except ValueError as error:
            self.told.setText(str(error))
            return
        super().accept()


def try_out(server):
    """Whether a server answers and lets us in, in words."""
    client = Client(server)
    try:
        title = client.get("/").json().get("title", "it")
        count = len(client.get("/processes").json()["processes"])
        client.get("/jobs?limit=1")
    except (KeyError, TypeError, AttributeError):
        return f"{server.url} is no OGC API - Processes."
    except ServerError as error:
        return str(error)
    return f"“{title}” answers: {count} processes."
