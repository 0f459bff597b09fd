"""Processes: descriptions, execution, and a process that nobody told pygeoapi of."""

import json

import requests
import yaml


def test_every_process_is_described_as_rededge_describes_it(pygeoapi, server):
    theirs = requests.get(f"{server.url}/processes", params={"limit": 1000}, timeout=30).json()["processes"]
    ours = pygeoapi.get("/processes?f=json&limit=1000").json()["processes"]
    assert [p["id"] for p in ours] == [p["id"] for p in theirs] and len(ours) > 10
    for process in theirs:
        path = f"/processes/{process['id']}"
        told = requests.get(server.url + path, timeout=30).json()
        shown = pygeoapi.get(f"{path}?f=json").json()
        for member in ("id", "title", "description", "version", "inputs", "outputs"):
            assert shown[member] == told[member], (process["id"], member)
        assert all(link["href"].startswith(pygeoapi.url) for link in shown["links"])


def test_the_openapi_document_has_every_process(pygeoapi):
    document = yaml.safe_load(pygeoapi.openapi.read_text())
    for process in pygeoapi.get("/processes?f=json&limit=1000").json()["processes"]:
        assert f"/processes/{process['id']}/execution" in document["paths"]


def test_the_conformance_and_the_pages_of_pygeoapi_know_the_processes(pygeoapi):
    classes = pygeoapi.get("/conformance?f=json").json()["conformsTo"]
    assert any("ogcapi-processes-1" in one for one in classes)
    for path in ("/processes", "/processes/rice-map", "/jobs"):
        page = pygeoapi.get(f"{path}?f=html")
        assert page.status_code == 200 and "<html" in page.text, path
    assert "Rice map" in pygeoapi.get("/processes/rice-map?f=html").text


def test_a_value_comes_back_with_its_own_type_and_a_document_as_one(pygeoapi):
    raw = pygeoapi.execute("echo", {"text": "hello"})
    assert raw.status_code == 200 and raw.json() == "hello", raw.text
    document = pygeoapi.execute("echo", {"text": "a < b", "list": [1, 2]}, response="document")
    assert document.json() == {"text": "a < b", "list": [1.0, 2.0]}
    one = pygeoapi.execute("echo", {"text": "a", "number": 4}, response="document", outputs={"number": {}})
    assert one.json() == {"number": 4.0}
    several = pygeoapi.execute("echo", {"text": "a", "number": 4})
    assert several.headers["Content-Type"].startswith("multipart/related; boundary="), several.headers
    assert several.text.count("\r\n\r\n") >= 2


def test_a_rice_map_runs_with_progress_and_its_results_are_those_of_rededge(pygeoapi, server, rice_inputs):
    job = pygeoapi.start("rice-map", rice_inputs, response="document")
    told, seen = pygeoapi.until(job, ("successful", "failed"))
    assert told["status"] == "successful", told
    assert (told["processID"], told["progress"]) == ("rice-map", 100)
    assert seen == sorted(seen) and seen[-1] == 100, seen
    results = pygeoapi.get(f"/jobs/{job}/results?f=json")
    assert results.status_code == 200
    assert results.json() == requests.get(f"{server.url}/jobs/{job}/results", timeout=30).json()
    raster = requests.get(results.json()["classMap"]["href"], timeout=30).content
    assert raster[:4] in (b"II*\0", b"II+\0")
    assert pygeoapi.get(f"/jobs/{job}?f=html").status_code == 200


def test_a_raster_asked_for_by_value_is_handed_on_byte_by_byte(pygeoapi, rice_inputs):
    answer = pygeoapi.execute(
        "rice-map", rice_inputs, outputs={"classMap": {"transmissionMode": "value"}}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("image/tiff")
    assert answer.content[:4] in (b"II*\0", b"II+\0")


def test_a_process_that_rededge_learns_is_there_with_no_other_change(pygeoapi, host, binary, tmp_path):
    own = binary.parent / "examples" / "own_process"
    assert own.is_file(), f"{own} is absent: run `cargo build --release --example own_process`"
    assert "count-features" not in pygeoapi.get("/processes?f=json&limit=1000").text
    import conftest

    learned = conftest.clients.Server(own, tmp_path / "server", "")
    try:
        before = host({"url": learned.url})
        mine = {"type": "Feature", "properties": {"ore": "Pb-Zn"},
                "geometry": {"type": "Point", "coordinates": [113.0, 27.9]}}
        mines = {"type": "FeatureCollection", "features": [mine, mine]}
        assert "Counts features" in before.get("/processes/count-features?f=html").text
        done = before.execute(
            "count-features", {"features": mines, "property": "ore"}, response="document"
        )
        assert done.json() == {"total": 2, "counts": {"Pb-Zn": 2}}
    finally:
        learned.stop()


def test_another_manager_keeps_its_jobs_and_its_own_processes(host, server, tmp_path):
    ours = {"name": "rededge_pygeoapi.Processor", "url": server.url, "process": "echo"}
    resources = {
        "say-again": {"type": "process", "processor": ours},
        "hello-world": {"type": "process", "processor": {"name": "HelloWorld"}},
    }
    manager = {"name": "TinyDB", "connection": str(tmp_path / "jobs.db"), "output_dir": str(tmp_path)}
    beside = host(manager, resources)
    assert beside.get("/processes/say-again?f=json").json()["title"] == "Echo"
    answer = beside.execute("say-again", {"text": "again", "list": [3]}, response="document")
    assert answer.status_code == 200 and "again" in json.dumps(answer.json()), answer.text


def test_processes_of_pygeoapi_itself_run_beside_ours(host, server):
    resources = {
        "rededge": {"type": "process", "processor": {"name": "rededge_pygeoapi.Processor"}},
        "hello-world": {"type": "process", "processor": {"name": "HelloWorld"}},
    }
    both = host({"url": server.url}, resources)
    listed = [p["id"] for p in both.get("/processes?f=json&limit=1000").json()["processes"]]
    assert {"rice-map", "hello-world"} <= set(listed)
    assert "Hello Ann" in both.execute("hello-world", {"name": "Ann"}).text
    assert both.execute("echo", {"text": "x"}).json() == "x"
