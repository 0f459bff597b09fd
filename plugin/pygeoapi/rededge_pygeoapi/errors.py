"""What goes wrong between pygeoapi and rededge, with the status and type that rededge gave it."""

import json

from pygeoapi.process.base import ProcessorExecuteError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

#: Where a problem has no type of its own.
NO_TYPE = "NoApplicableCode"


class UpstreamError(ProcessorExecuteError, HTTPException):
    """An answer that is no success.

    pygeoapi itself turns it into an answer where it executes. Elsewhere (jobs, descriptions) it catches
    nothing, and Flask does, because this is an ``HTTPException`` too.
    """

    def __init__(self, status, message, kind=NO_TYPE, headers=None):
        ProcessorExecuteError.__init__(self, message, user_msg=message)
        self.code = self.http_status_code = status
        self.description = message
        self.ogc_exception_code = kind
        self.more = headers or {}
        self.response = None

    def __str__(self):
        return self.description

    def get_response(self, *_, **__):
        """The same document that pygeoapi makes of its errors."""
        kind = self.ogc_exception_code
        body = {"code": kind, "type": kind, "description": self.description}
        return Response(json.dumps(body), self.code, self.more, content_type="application/json")


def of_problem(status, problem, headers):
    """The error of a problem document (RFC 9457)."""
    detail = problem.get("detail") or problem.get("title") or f"rededge answers {status}"
    place = problem.get("input") or problem.get("parameter")
    message = f"{place}: {detail}" if place else detail
    kind = problem.get("type") or NO_TYPE
    kept = {name: headers[name] for name in ("Retry-After", "WWW-Authenticate") if name in headers}
    if "Retry-After" in kept:
        message += f" (try again in {kept['Retry-After']} s)"
    return UpstreamError(status, message, NO_TYPE if kind == "about:blank" else kind, kept)
