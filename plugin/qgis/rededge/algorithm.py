# SPDX-License-Identifier: GPL-2.0-or-later
"""The one algorithm class: a process of a server, as its description tells of it."""

from html import escape
from urllib.parse import quote

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingOutputString,
)

from . import remote
from .client import Client, ServerError
from .groups import load_grouped
from .inputs import inputs_of
from .job import Job, JobError
from .parameters import InputError, Run
from .results import WANTED, Output, fetch
from .uploads import Uploads, is_of


class ProcessAlgorithm(QgsProcessingAlgorithm):
    """Runs a process on a server: sends what was given, follows the job, loads the results."""

    def __init__(self, server, catalog, description):
        super().__init__()
        self.server = server
        self.catalog = catalog
        self.description = description
        self.process = description["id"]
        self.inputs = inputs_of(description, catalog)
        self.outputs = [Output(*output) for output in description.get("outputs", {}).items()]
        self.looked_at = remote.offers(catalog)
        self.sent = {}
        self.uploads = None

    def createInstance(self):  # noqa: N802 (QGIS calls it so)
        """Another one of the same process."""
        return ProcessAlgorithm(self.server, self.catalog, self.description)

    def name(self):
        """Server and process: ``county.rice-map``."""
        return f"{self.server.key}.{self.process}"

    def displayName(self):  # noqa: N802
        """The title of the process."""
        return self.description.get("title") or self.process

    def group(self):
        """The server's name."""
        return self.server.name

    def groupId(self):  # noqa: N802
        """The server's key."""
        return self.server.key

    def shortDescription(self):  # noqa: N802
        """What the process does."""
        return self.description.get("description") or ""

    def shortHelpString(self):  # noqa: N802
        """What the process does, and what each input and output is."""
        parts = [f"<p>{escape(self.shortDescription())}</p>"]
        for title, members in (("Inputs", self.inputs), ("Outputs", self.outputs)):
            parts.append(f"<h3>{title}</h3>")
            parts.extend(f"<p><b>{escape(m.title)}</b>: {escape(m.help)}</p>" for m in members)
        return "".join(parts)

    def helpUrl(self):  # noqa: N802
        """The process's page on the server."""
        return f"{self.server.url}/processes/{quote(self.process)}?f=html"

    def declared(self):
        """Parameters, and outputs that are plain values. What is wrong with a description shows here."""
        parameters = [definition for item in self.inputs for definition in item.definitions()]
        values = [QgsProcessingOutputString("job", "Job on the server")]
        maps = any(output.kind in ("raster", "features") for output in self.outputs)
        for output in self.outputs:
            definition = output.definition(output.kind in WANTED or not maps)
            if definition is not None:
                parameters.append(definition)
            else:
                values.append(output.value_output(self.description["outputs"][output.name]))
        if maps and self.looked_at:
            parameters.append(remote.choice())
        return parameters, values

    def initAlgorithm(self, configuration=None):  # noqa: N802
        """Declares inputs and outputs."""
        parameters, values = self.declared()
        for parameter in parameters:
            self.addParameter(parameter)
        for value in values:
            self.addOutput(value)

    def checkParameterValues(self, parameters, context):  # noqa: N802
        """Refuses what cannot be sent before anything is."""
        good, why = super().checkParameterValues(parameters, context)
        if not good:
            return good, why
        run = Run(self, parameters, context)
        for item in self.inputs:
            fault = item.fault(run)
            if fault:
                return False, f"{item.label}: {fault}"
        for output in self.outputs:
            if run.has(output.parameter):
                destination = self.parameterDefinition(output.parameter)
                good, why = destination.isSupportedOutputValue(parameters[output.parameter], context)
                if not good:
                    return False, why
        return True, ""

    def prepareAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Reads the inputs, in the thread that owns the project's layers."""
        self.uploads = Uploads(Client(self.server, feedback), feedback)
        run = Run(self, parameters, context, self.uploads)
        try:
            read = {item.name: item.read(run) for item in self.inputs}
        except (InputError, ServerError) as error:
            raise self.failure(error) from error
        self.sent = {name: value for name, value in read.items() if value is not None}
        return True

    def processAlgorithm(self, parameters, context, feedback):  # noqa: N802
        """Runs the job and loads its results."""
        run = Run(self, parameters, context)
        paths = {output.name: output.path(run) for output in self.outputs}
        wanted = [o for o in self.outputs if paths[o.name] or o.kind == "value"]
        request = {
            "inputs": self.sent,
            "outputs": {output.name: output.request(paths[output.name]) for output in wanted},
            "response": "document",
        }
        job = Job(self.server, feedback)
        try:
            self.start(job, request)
            if not job.follow():
                return {}
            return self.load(job, wanted, paths, run, feedback)
        except (ServerError, JobError) as error:
            if feedback.isCanceled():
                return {}
            raise self.failure(error) from error

    def start(self, job, request):
        """Starts the job: again with bytes where the server follows no link."""
        while True:
            try:
                return job.start(quote(self.process), request)
            except ServerError as error:
                if not self.uploads.instead(error):
                    raise

    def load(self, job, wanted, paths, run, feedback):
        """Loads what the job left; what it did not leave is told."""
        document, context = job.results(), run.context
        kept = self.looked_at if remote.chosen(run) else ()
        results = {"job": job.url}
        loaded = []
        for output in wanted:
            if output.name not in document:
                if output.kind != "value":
                    feedback.pushInfo(f"{output.title}: the process wrote none")
            elif output.kind == "value":
                results[output.parameter] = document[output.name]
            else:
                path, href = paths[output.name], document[output.name]["href"]
                stays = remote.layer_of(output, href, job.client) if output.kind in kept else None
                if stays is not None:
                    path = remote.keep(stays, path, context)
                else:
                    fetch(output, href, path, job.client, feedback)
                results[output.parameter] = path
                loaded.append((output, path))
        load_grouped(self.displayName(), loaded, context)
        return results

    def failure(self, error):
        """An error as Processing shows it, with the input that it is about."""
        faulty = getattr(error, "faulty", None) or getattr(error, "name", None)
        if not faulty:
            return QgsProcessingException(str(error))
        label = next((f"{i.label} ({faulty})" for i in self.inputs if is_of(faulty, i.name)), faulty)
        return QgsProcessingException(f"{label}: {error}")
