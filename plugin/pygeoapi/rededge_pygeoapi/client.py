"""Calls of rededge: each has a time limit, and each failure is an error with a status and a type."""

import json
import os
import time
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import flask
import requests

from .errors import UpstreamError, of_problem

#: Headers of a caller that are handed on where the configuration says ``credentials: caller``.
CREDENTIALS = ("Authorization", "X-API-Key")


@dataclass
class Answer:
    """What rededge answered."""

    headers: dict
    body: bytes

    @property
    def media_type(self):
        """Its media type without parameters; a ``multipart`` keeps its boundary."""
        kind = self.headers.get("Content-Type", "application/octet-stream")
        return kind if kind.startswith("multipart/") else kind.split(";")[0].strip()

    def json(self):
        """The document."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise UpstreamError(502, "rededge answers with what is no JSON; is `url` the right address?") from None

    def value(self):
        """The document where it is one, else the bytes."""
        return self.json() if self.media_type == "application/json" and self.body else self.body


def segment(name):
    """A name as one segment of a path."""
    return quote(str(name), safe="")


class Client:
    """A running rededge, by a plugin definition: ``url``, ``timeout``, and whose credentials are sent."""

    def __init__(self, definition):
        url = definition.get("url") or definition.get("connection") or os.environ.get("REDEDGE_URL", "")
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"`url` of {definition.get('name')} is not the address of a rededge: {url!r}")
        self.url = url.rstrip("/")
        self.timeout = float(definition.get("timeout", 10))
        self.key_env = definition.get("key_env", "REDEDGE_KEY")
        self.key = definition.get("key")
        self.credentials = definition.get("credentials", "own")
        if self.credentials not in ("own", "caller"):
            raise ValueError(f"`credentials` is `own` or `caller`, not {self.credentials!r}")

    def _authorization(self):
        if self.credentials == "own":
            key = self.key or os.environ.get(self.key_env)
            return {"Authorization": f"Bearer {key}"} if key else {}
        if not flask.has_request_context():
            return {}
        given = flask.request.headers
        return {name: given[name] for name in CREDENTIALS if name in given}

    def call(self, method, path, body=None, query=None, prefer=None, timeout=None):
        """One call; what is no success is raised as :class:`UpstreamError`."""
        headers = {"Accept": "application/json, application/problem+json, */*;q=0.1", **self._authorization()}
        if prefer:
            headers["Prefer"] = prefer
        limit = timeout or self.timeout
        until = time.monotonic() + limit
        late = UpstreamError(504, f"rededge at {self.url} does not answer within {limit:g} s")
        try:
            response = requests.request(
                method, self.url + path, json=body, params=query, headers=headers, stream=True,
                timeout=(min(limit, 5), limit), allow_redirects=False,
                auth=lambda request: request,  # else a .netrc would replace the key
            )
            with response:
                content = bytearray()
                while part := response.raw.read1(1 << 16, decode_content=True):
                    content += part
                    if time.monotonic() > until:
                        raise late
        except requests.Timeout:
            raise late from None
        except (requests.RequestException, OSError) as error:
            reason = type(error).__name__
            raise UpstreamError(502, f"rededge at {self.url} cannot be reached ({reason})") from None
        except Exception as error:
            if type(error).__name__ == "ReadTimeoutError":
                raise late from None
            raise
        if 200 <= response.status_code < 300:
            return Answer(response.headers, bytes(content))
        raise self._problem(response, bytes(content))

    def _problem(self, response, content):
        status = response.status_code
        if status == 401 and self.credentials == "own":
            return UpstreamError(502, f"rededge refuses the key that pygeoapi sends (`key`, or {self.key_env})")
        try:
            problem = json.loads(content)
        except ValueError:
            problem = None
        if status < 400 or not isinstance(problem, dict):
            return UpstreamError(502, f"{self.url} answers {status} and no problem document; is `url` right?")
        return of_problem(status, problem, response.headers)

    def processes(self):
        """Ids of all processes, in rededge's order."""
        listed = self.call("GET", "/processes", query={"limit": 1000}).json()
        return [process["id"] for process in listed["processes"]]

    def describe(self, process):
        """A description as pygeoapi holds it: with the links of pygeoapi, not of rededge."""
        described = self.call("GET", f"/processes/{segment(process)}").json()
        described["links"] = []
        described.setdefault("keywords", [])
        return described

    def start(self, process, inputs, outputs=None, response="raw", subscriber=None):
        """Starts a job; its status."""
        body = {"inputs": inputs, "response": response}
        if outputs:
            body["outputs"] = outputs
        if subscriber:
            body["subscriber"] = subscriber
        path = f"/processes/{segment(process)}/execution"
        return self.call("POST", path, body, prefer="respond-async").json()

    def job(self, job):
        """The status of a job."""
        return self.call("GET", f"/jobs/{segment(job)}").json()

    def follow(self, status, patience):
        """Waits until a job is over, at most ``patience`` seconds; its last status."""
        until, pause = time.monotonic() + patience, 0.02
        while status["status"] in ("accepted", "running") and time.monotonic() < until:
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)
            status = self.job(status["jobID"])
        return status

    def results(self, job):
        """What a job left: files are as long as they are, so they have more time."""
        return self.call("GET", f"/jobs/{segment(job)}/results", timeout=max(self.timeout, 120))
