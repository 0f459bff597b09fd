# SPDX-License-Identifier: GPL-2.0-or-later
"""Talks to a server through QGIS's own network stack, which knows proxies, certificates and keys."""

import json

from qgis.core import QgsBlockingNetworkRequest
from qgis.PyQt.QtCore import QByteArray, QUrl
from qgis.PyQt.QtNetwork import QNetworkRequest

STATUS = QNetworkRequest.Attribute.HttpStatusCodeAttribute
CONTENT_TYPE = QNetworkRequest.KnownHeaders.ContentTypeHeader
CODES = QgsBlockingNetworkRequest.ErrorCode
#: Bytes of a request from which on it is worth a question whether the server takes so many.
LARGE = 1 << 20
SMALLER = "clip the layer, or name data that the server has"


class ServerError(Exception):
    """What a server refuses, with the input that is at fault; ``status`` is 0 where nothing was
    answered.
    """

    def __init__(self, message, status=0, faulty=None):
        super().__init__(message)
        self.status = status
        self.faulty = faulty


class Answer:
    """The body of an answer, and where it points."""

    def __init__(self, content, location=""):
        self.content = content
        self.location = location

    def json(self):
        """The body as JSON.

        :raises ServerError: it is something else.
        """
        try:
            return json.loads(self.content)
        except ValueError as error:
            start = self.content[:80].decode(errors="replace")
            raise ServerError(f"the server answered no JSON: “{start}”") from error


class Client:
    """Calls one server. May be used in any thread."""

    def __init__(self, server, feedback=None):
        self.server = server
        self.feedback = feedback

    def get(self, path, accept="application/json"):
        """Reads what is at a path of the server, or at an address that it told."""
        return self._call("get", path, accept)

    def post(self, path, document, **headers):
        """Sends JSON; ``prefer="respond-async"`` becomes the header ``Prefer``."""
        body = json.dumps(document).encode()
        if len(body) > LARGE:
            self.fits(len(body), "the request")
        return self._call("post", path, "application/json", body, headers)

    def fits(self, size, what):
        """Looks up on the landing page whether so many bytes are taken, before they are sent.

        :raises ServerError: they are not.
        """
        try:
            most = self.get("/").json()["limits"]["bodyMegabytes"]
        except (ServerError, KeyError, TypeError):
            return  # the answer to the request will tell
        if size > most << 20:
            name = self.server.name
            raise ServerError(
                f"{what} has {size / (1 << 20):.1f} MB, and the server “{name}” takes {most} MB; {SMALLER}",
                413,
            )

    def head(self, path):
        """Asks whether something is there."""
        return self._call("head", path, "*/*")

    def delete(self, path):
        """Deletes what is at a path, whether or not the run was cancelled."""
        return self._call("deleteResource", path, "application/json", listen=False)

    def address(self, path):
        """The whole address of a path of the server."""
        return path if "://" in path else f"{self.server.url}/{path.lstrip('/')}"

    def _call(self, verb, path, accept, body=None, headers=None, listen=True):
        url = self.address(path)
        request = QNetworkRequest(QUrl(url))
        request.setRawHeader(b"Accept", accept.encode())
        for name, value in (headers or {}).items():
            request.setRawHeader(name.title().encode(), value.encode())
        request.setTransferTimeout(self.server.timeout * 1000)
        call = QgsBlockingNetworkRequest()
        if self.server.authcfg and self.server.owns(url):
            call.setAuthCfg(self.server.authcfg)
        feedback = self.feedback if listen else None
        if verb == "post":
            request.setHeader(CONTENT_TYPE, "application/json")
            code = call.post(request, QByteArray(body), True, feedback)
        elif verb == "deleteResource":
            code = call.deleteResource(request)
        else:
            code = getattr(call, verb)(request, True, feedback)
        reply = call.reply()
        status = reply.attribute(STATUS)
        content = bytes(reply.content())
        if status and 200 <= status < 300 and code == CODES.NoError:
            return Answer(content, bytes(reply.rawHeader(b"Location")).decode())
        raise self._error(url, int(status or 0), content, code, call.errorMessage())

    def _error(self, url, status, content, code, reason):
        """What went wrong, in the server's own words where it found any."""
        name = f"the server “{self.server.name}” ({self.server.url})"
        if not status:
            # A request that is broken off counts as no error there.
            if code in (CODES.TimeoutError, CODES.NoError):
                return ServerError(f"{name} did not answer within {self.server.timeout} seconds")
            return ServerError(
                f"cannot reach {name}: {reason.strip() or 'no answer'}. Is it running, and is its "
                "address in Settings → Options → rededge right?"
            )
        problem = problem_of(content)
        detail = problem.get("detail") or problem.get("title") or problem.get("description") or reason
        if status in (401, 403):
            way_out = "choose an authentication configuration that it knows in Settings → Options → rededge"
            return ServerError(f"{name} does not let you in ({status}): {detail}; {way_out}", status)
        if status == 413:
            return ServerError(f"{name} takes less than was sent ({status}): {detail}; {SMALLER}", status)
        if not problem:
            detail = f"{url} answered {status}: {reason}"
        return ServerError(detail, status, problem.get("input"))


def problem_of(content):
    """The members of a problem document (RFC 9457); none where it is something else."""
    try:
        problem = json.loads(content)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
