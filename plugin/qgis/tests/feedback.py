# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run says, kept."""

from qgis.core import QgsProcessingFeedback


class Heard(QgsProcessingFeedback):
    """Keeps all that it hears."""

    def __init__(self):
        super().__init__(False)
        self.steps = []
        self.lines = []
        self.percents = []
        self.progressChanged.connect(self.percents.append)

    def setProgressText(self, text):
        self.steps.append(text)

    def pushInfo(self, info):
        self.lines.append(info)

    def pushWarning(self, warning):
        self.lines.append(warning)

    def reportError(self, error, fatalError=False):  # noqa: N803 (QGIS calls it so)
        self.lines.append(error)
