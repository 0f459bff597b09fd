# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that are down, that ask who calls, that refuse; jobs that are cancelled."""

import json
import socket
import time
from pathlib import Path
from threading import Thread, Timer
from urllib.request import Request, urlopen

import pytest
from conftest import plugin_with
from county import OWN, Server
from feedback import Heard
from qgis import processing
from qgis.core import (
    QgsApplication,
    QgsAuthMethodConfig,
    QgsProcessing,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
)
from qgis.PyQt.QtCore import QCoreApplication

from rededge import catalog, settings
from rededge.client import Client, ServerError
from rededge.options import ServerDialog, try_out

KEY = "0123456789abcdef-planner"


def get(url, key=None):
    """What a server answers."""
    headers = {"X-API-Key": key} if key else {}
    with urlopen(Request(url, headers=headers)) as answer:
        return json.load(answer)


def jobs(server, key=None):
    """States of all jobs of a server."""
    return {job["jobID"]: job["status"] for job in get(f"{server.url}/jobs?limit=1000", key)["jobs"]}


def authentication(password):
    """The id of a name and password in QGIS's own keeping."""
    config = QgsAuthMethodConfig("Basic")
    config.setName("rededge")
    config.setConfigMap({"username": "planner", "password": password, "realm": ""})
    assert QgsApplication.authManager().storeAuthenticationConfig(config)[0]
    return config.id()


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_cancel_dismisses_the_job_on_the_server(provider, server):
    heard = Heard()
    Timer(1.5, heard.cancel).start()
    begun = time.monotonic()
    found = processing.run("rededge:county.echo", {"text": "long", "pause": 600}, feedback=heard)
    assert time.monotonic() - begun < 10 and "out_text" not in found
    url = next(line for line in heard.lines if line.startswith("job ")).split()[1]
    assert get(url)["status"] == "dismissed"
    assert "the job was dismissed on the server" in heard.lines
    assert heard.steps, "the step is told"


def test_it_runs_in_the_background_with_progress(provider, qgis):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("rededge:county.echo")
    context, heard, ended = QgsProcessingContext(), Heard(), []
    task = QgsProcessingAlgRunnerTask(algorithm, {"text": "back", "pause": 2}, context, heard)
    task.executed.connect(lambda good, results: ended.append((good, results)))
    QgsApplication.taskManager().addTask(task)
    end = time.monotonic() + 30
    while not ended and time.monotonic() < end:
        QCoreApplication.processEvents()
        time.sleep(0.01)
    good, results = ended[0]
    assert good and results["out_text"] == "back"
    assert len(heard.percents) > 3 and "wait" in heard.steps


def test_the_servers_errors_name_the_input(provider):
    given = {
        "cube": "atlantis",
        "samples_ref": "rice-samples",
        "out_classMap": QgsProcessing.TEMPORARY_OUTPUT,
    }
    with pytest.raises(QgsProcessingException, match=r"Cube \(cube.*is no cube.*county-2019"):
        processing.run("rededge:county.rice-map", given, feedback=Heard())
    with pytest.raises(QgsProcessingException, match=r"Bands.*\(bands\[1\]\).*rise"):
        given = {"stressMap_ref": "mines", "bands": "2000, 1000"}
        processing.run("rededge:county.stress-zones", given, feedback=Heard())


def test_a_server_that_is_down_is_told_in_plain_words(server):
    nobody = settings.make_server("Nobody", f"http://127.0.0.1:{free_port()}", timeout=5)
    with pytest.raises(ServerError, match=r"cannot reach the server “Nobody”.*Is it running"):
        catalog.fetch(nobody)
    assert "cannot reach" in try_out(nobody)
    told = try_out(settings.make_server("County", server.url))
    assert "answers" in told and "processes" in told


def test_a_server_that_does_not_answer_is_given_up_after_its_time():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        silent = settings.make_server("Silent", f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout=1)
        begun = time.monotonic()
        with pytest.raises(ServerError, match="did not answer within 1 seconds"):
            Client(silent).get("/processes")
        assert time.monotonic() - begun < 5


def test_what_is_no_such_service_is_told(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def answer():
            for body in (b"<html>", b'{"a": 1}'):
                connection, _ = other.accept()
                connection.recv(65536)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode() + body)
                connection.close()

        Thread(target=answer, daemon=True).start()
        server = settings.make_server("Other", f"http://127.0.0.1:{other.getsockname()[1]}", timeout=5)
        with pytest.raises(ServerError, match="no JSON"):
            catalog.fetch(server)
        with pytest.raises(ServerError, match="no OGC API - Processes"):
            catalog.fetch(server)


def test_algorithms_are_there_without_the_server_once_it_was_seen(county, tmp_path):
    with Server(tmp_path, county, name="Comes and goes") as seen:
        address = seen.url.removeprefix("http://")
        with plugin_with(seen) as provider:
            assert len(provider.algorithms()) >= 14
        seen.stop()
        with plugin_with(seen) as provider:
            algorithm = provider.algorithm("comes_and_goes.rice-map")
            assert algorithm is not None and algorithm.parameterDefinition("cube") is not None
            with pytest.raises(QgsProcessingException, match="cannot reach the server “Comes and goes”"):
                processing.run("rededge:comes_and_goes.echo", {"text": "x"}, feedback=Heard())
            seen.start(address)
            found = processing.run("rededge:comes_and_goes.echo", {"text": "x"}, feedback=Heard())
            assert found["out_text"] == "x"
        kept = settings.make_server(seen.name, seen.url)
        catalog.forget(kept)
        assert catalog.load(kept) is None


def test_a_job_survives_a_moment_without_the_server(county, tmp_path):
    with Server(tmp_path, name="Restarts") as restarts:
        address = restarts.url.removeprefix("http://")
        with plugin_with(restarts):
            heard = Heard()

            def restart():
                restarts.stop()
                time.sleep(1)
                restarts.start(address)

            Timer(1, restart).start()
            found = processing.run("rededge:restarts.echo", {"text": "still", "pause": 4}, feedback=heard)
            assert found["out_text"] == "still"
            assert any("Trying again" in line for line in heard.lines)


def test_a_key_in_qgis_own_keeping_lets_in_and_goes_nowhere_else(county, tmp_path):
    keys = f'[keys]\nplanner = "{KEY}"\n'
    with Server(tmp_path, county, name="Locked", more="") as locked:
        locked.stop()
        locked.config.write_text(locked.config.read_text() + keys)
        locked.start("127.0.0.1:0")
        right, wrong = authentication(KEY), authentication("no key at all")
        with plugin_with(locked, authcfg=right):
            given = {"mines_ref": "mines", "cell": 500, "out_density": QgsProcessing.TEMPORARY_OUTPUT}
            found = processing.run("rededge:locked.mine-heatmap", given, feedback=Heard())
            assert Path(found["out_density"]).read_bytes()[:2] == b"II"
            assert set(jobs(locked, KEY).values()) == {"successful"}
        for authcfg in (wrong, ""):
            server = settings.make_server("Locked", locked.url, authcfg)
            with pytest.raises(ServerError, match=r"does not let you in \(401\)"):
                Client(server).get("/jobs")
            assert "does not let you in" in try_out(server)
        server = settings.make_server("Locked", locked.url, right)
        assert server.owns(f"{locked.url}/jobs/1") and not server.owns("http://127.0.0.1:1/jobs/1")
        heads = []
        with socket.socket() as elsewhere:
            elsewhere.bind(("127.0.0.1", 0))
            elsewhere.listen()

            def listen():
                connection, _ = elsewhere.accept()
                heads.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                connection.close()

            thread = Thread(target=listen, daemon=True)
            thread.start()
            Client(server).get(f"http://127.0.0.1:{elsewhere.getsockname()[1]}/results/a")
            thread.join(10)
        assert heads and b"authorization" not in heads[0].lower()


def test_a_process_that_is_new_on_the_server_is_an_algorithm_after_a_refresh(county, tmp_path):
    home = tmp_path / "server"
    home.mkdir()
    with Server(home, county, name="Grows") as before:
        address = before.url.removeprefix("http://")
        with plugin_with(before) as provider:
            assert provider.algorithm("grows.count-features") is None
            before.stop()
            with Server(home, county, name="Grows", program=OWN) as after:
                after.stop()
                after.start(address)
                catalog.fetch(settings.servers()[0])
                provider.refreshAlgorithms()
                found = provider.algorithm("grows.count-features")
                assert found.displayName() == "Count features"
                assert [p.type() for p in found.parameterDefinitions()][:2] == ["source", "string"]
                given = {"features": str(county / "mines.geojson"), "property": "status"}
                given["out_counts"] = str(tmp_path / "counts.json")
                done = processing.run("rededge:grows.count-features", given, feedback=Heard())
                assert done["out_total"] == 4
                counts = json.loads(Path(done["out_counts"]).read_text())
                assert sum(counts.values()) == 4 and "active" in counts


def test_what_is_typed_into_the_options_is_looked_at(qgis):
    for name, url in (("", "http://a"), ("a", "ftp://a"), ("a", "a"), ("a", "http://me:secret@a")):
        with pytest.raises(ValueError):
            settings.make_server(name, url)
    dialog = ServerDialog(None, settings.make_server("Here", "http://127.0.0.1:1/", timeout=7))
    assert dialog.server() == settings.Server("here", "Here", "http://127.0.0.1:1", "", 7)
    dialog.url.setText("nonsense")
    dialog.accept()
    assert dialog.result() == 0 and "not an address" in dialog.told.text()
    with pytest.raises(ValueError, match="same name"):
        settings.save([settings.make_server("A b", "http://a"), settings.make_server("a-B", "http://b")])


def test_the_page_of_options_keeps_its_servers(qgis):
    from rededge.options import OptionsFactory

    settings.save([settings.make_server("One", "http://127.0.0.1:1")])
    changes = []
    page = OptionsFactory(lambda: changes.append(1)).createWidget(None)
    assert page.table.rowCount() == 1 and page.table.item(0, 1).text() == "http://127.0.0.1:1"
    page.servers.append(settings.make_server("Two", "http://127.0.0.1:2"))
    assert page.isValid()
    page.apply()
    assert [server.key for server in settings.servers()] == ["one", "two"] and changes == [1]
    page.table.setCurrentCell(0, 0)
    page.remove()
    page.apply()
    assert [server.key for server in settings.servers()] == ["two"]
    settings.save([])
