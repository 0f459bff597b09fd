"""A process of rededge as a process of pygeoapi."""

from pygeoapi.process.base import BaseProcessor

from .client import Client
from .errors import UpstreamError

#: Seconds that a call waits for a job to end, where the configuration says nothing.
PATIENCE = 60


class Processor(BaseProcessor):
    """Its metadata is rededge's description, its execution a job of rededge.

    Under ``rededge_pygeoapi.Manager`` one entry without ``process`` stands for all processes. Under any
    other manager an entry names its ``process`` and ``url``.
    """

    def __init__(self, processor_def):
        self.client = Client(processor_def)
        self.process = processor_def.get("process")
        if not self.process:
            raise ValueError("name a `process`, or let rededge_pygeoapi.Manager be the manager of all")
        self.patience = float(processor_def.get("patience", PATIENCE))
        super().__init__(processor_def, processor_def.get("described") or self.client.describe(self.process))
        self.supports_outputs = True

    def execute(self, data, outputs=None):
        """Runs to its end, for managers that hold jobs of their own."""
        # A document, since other managers keep results as JSON; rasters stand in it as links.
        status = self.client.start(self.process, data, outputs, "document")
        status = self.client.follow(status, self.patience)
        if status["status"] in ("accepted", "running"):
            where = f"{self.client.url}/jobs/{status['jobID']}"
            raise UpstreamError(504, f"not over after {self.patience:g} s; it goes on as {where}")
        answer = self.client.results(status["jobID"])
        return answer.media_type, answer.value()

    def __repr__(self):
        return f"<rededge Processor> {self.process}"
