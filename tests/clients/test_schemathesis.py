"""schemathesis on the OpenAPI document: no request makes the server fail, and every answer is one that the
document names. A few requests an operation here; `make schemathesis` sends more than 5,000."""

import json
import os
import pathlib
import subprocess
import sys

import requests

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)


def strict(document):
    """The document without its answers by default, which would excuse any status, and without long pauses."""
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].pop("default", None)
    shorten(document)
    return document


def shorten(node):
    if isinstance(node, list):
        for item in node:
            shorten(item)
    elif isinstance(node, dict):
        if node.get("name") == "pause" and "schema" in node:
            node["schema"]["maximum"] = 0.01
        for name, value in node.items():
            if name == "pause" and "anyOf" in value:
                value["anyOf"] = [{"type": "number", "minimum": 0, "maximum": 0.01}]
            shorten(value)


def test_every_answer_is_one_that_the_document_names(serve, offered, tmp_path):
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES", "6")
    least = int(os.environ.get("SCHEMATHESIS_LEAST", "200"))
    # The queue takes all: that it refuses when full is a test of its own.
    server = serve("[jobs]\nworkers = 2\nwaiting = 10000\nsynchronous_seconds = 1\n" + offered)
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(strict(requests.get(f"{server.url}/api", timeout=30).json())))
    report = tmp_path / "report.json"
    command = [pathlib.Path(sys.executable).with_name("schemathesis"), "run", document, "--url", server.url]
    command += ["--phases", "fuzzing", "--max-examples", examples, "--workers", "2", "--checks", CHECKS]
    command += ["--seed", os.environ.get("SCHEMATHESIS_SEED", "20241126"), "--generation-database", "none"]
    command += ["--warnings", "off", "--no-color", "--report", "json", "--report-json-path", report]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=1800)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    told = json.loads(report.read_text())
    cases = told["test_cases"]
    print(f"{cases['generated']} requests to {told['operations']['tested']} operations in {told['running_time']:.0f} s")
    assert cases["generated"] >= least and cases["with_failures"] == 0 and not told["errors"]
    assert requests.get(f"{server.url}/health", timeout=30).status_code == 200
