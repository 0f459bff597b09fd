"""Jobs of rededge as jobs of pygeoapi: there is one list of jobs, and rededge holds it."""

import copy
import sys
import time
from collections import OrderedDict

import flask
from pygeoapi.process.base import JobNotFoundError, UnknownProcessError
from pygeoapi.process.manager.base import BaseManager
from pygeoapi.util import JobStatus, RequestedProcessExecutionMode

from .client import Client, segment
from .errors import UpstreamError
from .processor import PATIENCE, Processor

#: Seconds that descriptions are kept: a list of processes asks for each.
FRESH = 5
#: The processor whose entry without ``process`` stands for all processes.
ALL = f"{Processor.__module__.split('.')[0]}.{Processor.__name__}"
#: Headers of a result that reach the caller.
KEPT = ("Content-Disposition", "Link")


class Manager(BaseManager):
    """Reads processes and jobs from rededge whenever it is asked; keeps nothing.

    Other processes of the same pygeoapi run at once and leave no job, as under pygeoapi's dummy manager.
    """

    def __init__(self, manager_def):
        self.definition = {k: v for k, v in manager_def.items() if k not in ("name", "processes")}
        self.client = Client(manager_def)
        self.patience = float(manager_def.get("patience", PATIENCE))
        self._known = {}
        super().__init__(manager_def)
        self.processes = manager_def.get("processes", {})
        self.is_async = True

    # Processes.

    def _fresh(self, what, ask):
        """An answer of the last seconds, or a new one."""
        until, held = self._known.get(what, (0, None))
        if time.monotonic() > until:
            held = ask()
            self._known[what] = (time.monotonic() + FRESH, held)
        return held

    @property
    def processes(self):
        """The processes of the configuration; ours are asked for, so a new one is here at once."""
        found = OrderedDict()
        for id_, conf in self._configured.items():
            processor = conf["processor"]
            if processor["name"] == ALL and not processor.get("process"):
                for name in self._fresh("", self.client.processes):
                    mirrored = {**self.definition, "name": ALL, "process": name}
                    found[name] = {"type": "process", "processor": mirrored}
            elif processor["name"] == ALL:
                found[id_] = {"type": "process", "processor": {**self.definition, **processor}}
            else:
                found[id_] = conf
        show_pages(found)
        return found

    @processes.setter
    def processes(self, configured):
        self._configured = configured

    def get_processor(self, process_id):
        conf = self.processes.get(process_id)
        if conf is None:
            raise UnknownProcessError("Invalid process identifier")
        if conf["processor"]["name"] != ALL:
            return super().get_processor(process_id)
        name = conf["processor"]["process"]
        described = self._fresh(name, lambda: self.client.describe(name))
        # pygeoapi takes descriptions apart while it writes its OpenAPI document.
        return Processor({**conf["processor"], "described": copy.deepcopy(described)})

    def execute_process(self, process_id, data_dict, execution_mode=None, requested_outputs=None,
                        subscriber=None, requested_response="raw"):
        processor = self.get_processor(process_id)
        if not isinstance(processor, Processor):
            return super().execute_process(
                process_id, data_dict, None, requested_outputs, subscriber, requested_response
            )
        called_back = subscriber and {
            "successUri": subscriber.success_uri, "inProgressUri": subscriber.in_progress_uri,
            "failedUri": subscriber.failed_uri,
        }
        status = self.client.start(
            processor.process, data_dict, requested_outputs, requested_response, called_back
        )
        job = status["jobID"]
        if execution_mode == RequestedProcessExecutionMode.respond_async:
            applied = {"Preference-Applied": "respond-async"}
            return job, "application/json", shown(status), JobStatus.accepted, applied
        status = self.client.follow(status, self.patience)
        if status["status"] in ("accepted", "running"):
            # Past its time a synchronous call becomes a job, as it does in rededge.
            return job, "application/json", shown(status), JobStatus.accepted, {}
        answer = self.client.results(job)
        kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
        return job, answer.media_type, answer.value(), JobStatus.successful, kept

    # Jobs.

    def add_job(self, job_metadata):
        return job_metadata["identifier"]

    def update_job(self, job_id, update_dict):
        return True

    def get_jobs(self, status=None, limit=None, offset=None):
        query = {"limit": min(max(limit or 10, 1), 1000), "offset": offset or 0}
        if status:
            query["status"] = getattr(status, "value", status)
        page = self.client.call("GET", "/jobs", query=query).json()
        return {"jobs": [as_held(job) for job in page["jobs"]], "numberMatched": page["numberMatched"]}

    def get_job(self, job_id):
        with absent_jobs():
            job = self.client.job(job_id)
        wanted = flask.has_request_context() and flask.request.path.rstrip("/").endswith("/results")
        if wanted and job["status"] in ("failed", "dismissed"):
            # pygeoapi would say no more than "job failed": rededge says why, and with which status.
            self.client.results(job_id)
        return as_held(job)

    def get_job_result(self, job_id):
        with absent_jobs():
            answer = self.client.results(job_id)
        return answer.media_type, answer.value()

    def delete_job(self, job_id):
        with absent_jobs():
            self.client.call("DELETE", f"/jobs/{segment(job_id)}")
        return True


class absent_jobs:  # noqa: N801, a context
    """Turns "no such job" into pygeoapi's own error."""

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _trace):
        if isinstance(error, UpstreamError) and error.ogc_exception_code.endswith("/no-such-job"):
            raise JobNotFoundError(error.description) from None


def show_pages(processes):
    """Tells pygeoapi's pages of the processes: a page looks its template up in the configuration."""
    api = getattr(sys.modules.get("pygeoapi.flask_app"), "api_", None)
    if api and not processes.keys() <= api.config["resources"].keys():
        # A new dictionary: another thread may be walking through the old one.
        api.config["resources"] = {**processes, **api.config["resources"]}


def shown(status):
    """A status for the caller; its links are pygeoapi's business."""
    return {name: value for name, value in status.items() if name != "links"}


def as_held(job):
    """A status as pygeoapi's managers hold it."""
    return {
        "type": "process",
        "identifier": job["jobID"],
        "process_id": job["processID"],
        "status": job["status"],
        "message": told(job),
        "progress": job.get("progress", 0),
        "created": job.get("created"),
        "started": job.get("started") or job.get("created"),
        "updated": job.get("updated"),
        "finished": job.get("finished"),
        "mimetype": "application/json",
        "location": None,
    }


def told(job):
    """The message of a job; of one that failed with its input and type."""
    problem = job.get("exception")
    if not problem:
        return job.get("message", "")
    place = f"{problem['input']}: " if problem.get("input") else ""
    return f"{place}{problem.get('detail') or job.get('message', '')} ({problem.get('type', '')})"
