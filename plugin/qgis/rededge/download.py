# SPDX-License-Identifier: GPL-2.0-or-later
"""Files from a server, written as they come, so that a large map need not fit into memory."""

import os

from qgis.core import QgsFileDownloader
from qgis.PyQt.QtCore import QEventLoop, Qt, QUrl

from .client import ServerError


def download(client, url, path, feedback):
    """Loads a file; half a file is not left behind.

    :raises ServerError: the server refused, or the connection broke.
    """
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    url = client.address(url)
    authcfg = client.server.authcfg if client.server.owns(url) else ""
    aside = f"{path}.part"
    faults = []
    loop = QEventLoop()
    downloader = QgsFileDownloader(QUrl(url), aside, authcfg, True)
    downloader.downloadError.connect(faults.extend)
    downloader.downloadCanceled.connect(lambda: faults.append("it was cancelled"))
    downloader.downloadExited.connect(loop.quit)
    downloader.downloadProgress.connect(
        lambda done, total: feedback.setProgress(100 * done / total if total > 0 else 0)
    )
    feedback.canceled.connect(downloader.cancelDownload, Qt.ConnectionType.QueuedConnection)
    downloader.startDownload()
    loop.exec()
    feedback.canceled.disconnect(downloader.cancelDownload)
    if faults:
        if os.path.exists(aside):
            os.remove(aside)
        raise ServerError(f"cannot load {url}: {'; '.join(faults)}")
    os.replace(aside, path)
