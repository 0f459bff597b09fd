"""Jobs, errors, keys, and a rededge that is down or slow."""

import os
import signal
import time

import pytest
import requests

OGC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"


def error(answer):
    told = answer.json()
    return answer.status_code, told["type"]


def test_the_list_of_jobs_is_that_of_rededge(pygeoapi, server):
    for text in "abc":
        assert pygeoapi.execute("echo", {"text": text}).status_code == 200
    theirs = requests.get(f"{server.url}/jobs", params={"limit": 1000}, timeout=30).json()
    ours = pygeoapi.get("/jobs?f=json&limit=1000").json()
    assert [job["jobID"] for job in ours["jobs"]] == [job["jobID"] for job in theirs["jobs"]]
    page = pygeoapi.get("/jobs?f=json&limit=2&offset=1").json()
    assert [job["jobID"] for job in page["jobs"]] == [job["jobID"] for job in theirs["jobs"][1:3]]
    assert {"next", "prev"} <= {link["rel"] for link in page["links"]}
    # A job that somebody started in rededge itself is there too.
    made = requests.post(f"{server.url}/processes/echo/execution", json={"inputs": {"text": "direct"}},
                         headers={"Prefer": "respond-async"}, timeout=30).json()["jobID"]
    assert pygeoapi.get(f"/jobs/{made}?f=json").json()["processID"] == "echo"


def test_a_running_job_has_no_results_yet_and_is_dismissed(pygeoapi, server):
    job = pygeoapi.start("echo", {"text": "slow", "pause": 600})
    pygeoapi.until(job, ("running",))
    assert error(pygeoapi.get(f"/jobs/{job}/results?f=json")) == (404, "ResultNotReady")
    gone = requests.delete(f"{pygeoapi.url}/jobs/{job}", timeout=30)
    assert gone.status_code == 200 and gone.json()["status"] == "dismissed"
    deadline = time.monotonic() + 20
    while (there := requests.get(f"{server.url}/jobs/{job}", timeout=30)).status_code == 200:
        if there.json()["status"] == "dismissed":
            break
        assert time.monotonic() < deadline, there.text
        time.sleep(0.05)
    if there.status_code == 200:
        assert error(pygeoapi.get(f"/jobs/{job}/results?f=json")) == (410, OGC + "result-not-available")


def test_errors_keep_their_status_and_type(pygeoapi):
    wrong = pygeoapi.execute("echo", {})
    assert error(wrong) == (400, OGC + "invalid-parameter-value")
    assert wrong.json()["description"].startswith("text: ")
    assert error(pygeoapi.execute("no-such", {"text": "a"})) == (404, "NoSuchProcess")
    assert pygeoapi.get("/jobs/no-such?f=json").status_code == 404
    assert pygeoapi.get("/jobs/no-such/results?f=json").status_code == 404
    assert requests.delete(f"{pygeoapi.url}/jobs/no-such", timeout=30).status_code == 404
    called = pygeoapi.execute("echo", {"text": "a"}, subscriber={"successUri": "http://127.0.0.1:9/"})
    assert error(called) == (400, OGC + "invalid-parameter-value") and "subscriber" in called.text


def test_a_failed_job_says_why_in_its_status_and_its_results(pygeoapi):
    given = {"cube": "no-such-cube", "samples": "samples"}
    job = pygeoapi.start("rice-map", given)
    told, _ = pygeoapi.until(job, ("failed", "successful"))
    assert told["status"] == "failed" and told["message"].startswith("cube: "), told
    results = pygeoapi.get(f"/jobs/{job}/results?f=json")
    assert error(results) == (400, OGC + "invalid-parameter-value")
    assert "is no cube that this server offers" in results.json()["description"]
    assert error(pygeoapi.execute("rice-map", given)) == (400, OGC + "invalid-parameter-value")


def test_a_synchronous_call_past_its_patience_becomes_a_job(host, server):
    hasty = host({"url": server.url, "patience": 0.5})
    begun = time.monotonic()
    answer = hasty.execute("echo", {"text": "slow", "pause": 600})
    assert answer.status_code == 201 and time.monotonic() - begun < 30, answer.text
    job = answer.headers["Location"].rsplit("/", 1)[1]
    assert answer.json()["jobID"] == job
    assert requests.delete(f"{hasty.url}/jobs/{job}", timeout=30).status_code == 200


def test_keys_of_pygeoapi_and_of_callers_reach_rededge(host, serve):
    locked = serve('[keys]\nann = "the-long-key-of-ann"\nbob = "the-long-key-of-bob"\n')
    own = host({"url": locked.url}, REDEDGE_KEY="the-long-key-of-ann")
    assert own.execute("echo", {"text": "mine"}).json() == "mine"
    job = own.get("/jobs?f=json").json()["jobs"][0]["jobID"]

    wrong = host({"url": locked.url}, REDEDGE_KEY="nobody's")
    refused = wrong.execute("echo", {"text": "x"})
    assert refused.status_code == 502 and "REDEDGE_KEY" in refused.text and "nobody's" not in refused.text

    each = host({"url": locked.url, "credentials": "caller"}, REDEDGE_KEY="the-long-key-of-ann")
    assert each.execute("echo", {"text": "x"}).status_code == 401
    bob = {"Authorization": "Bearer the-long-key-of-bob"}
    assert each.execute("echo", {"text": "x"}, bob).json() == "x"
    assert each.get(f"/jobs/{job}?f=json", headers=bob).status_code == 404
    assert each.get(f"/jobs/{job}?f=json", headers={"X-API-Key": "the-long-key-of-ann"}).status_code == 200
    assert each.get("/jobs?f=json").status_code == 401


@pytest.mark.parametrize("how, status", [("down", 502), ("slow", 504)])
def test_a_rededge_that_is_down_or_slow_is_named_in_time_and_back_at_once(host, serve, how, status):
    upstream = serve("")
    front = host({"url": upstream.url, "timeout": 3})
    job = front.start("echo", {"text": "x"})
    front.until(job, ("successful",))
    if how == "down":
        upstream.stop()
    else:
        os.kill(upstream.pid, signal.SIGSTOP)
    try:
        time.sleep(5.1)  # past what is kept of descriptions
        calls = [
            lambda: front.get("/processes?f=json"),
            lambda: front.get("/processes/echo?f=json"),
            lambda: front.execute("echo", {"text": "x"}),
            lambda: front.get("/jobs?f=json"),
            lambda: front.get(f"/jobs/{job}?f=json"),
            lambda: front.get(f"/jobs/{job}/results?f=json"),
            lambda: requests.delete(f"{front.url}/jobs/{job}", timeout=60),
        ]
        for number, call in enumerate(calls):
            begun = time.monotonic()
            answer = call()
            assert answer.status_code == status, (number, answer.text)
            assert upstream.url in answer.json()["description"]
            assert time.monotonic() - begun < 10, number
        assert front.get("/?f=json").status_code == 200, "the rest of pygeoapi is not touched"
    finally:
        if how == "slow":
            os.kill(upstream.pid, signal.SIGCONT)
    if how == "down":
        upstream.listen = upstream.url.removeprefix("http://")
        upstream.start()
    assert front.execute("echo", {"text": "back"}).json() == "back"


def test_an_address_that_is_no_rededge_is_502_and_none_stops_the_start(host, serve, pygeoapi):
    elsewhere = host({"url": pygeoapi.url + "/openapi"}, {"hello": {"type": "process", "processor": {
        "name": "HelloWorld"}}})
    answer = elsewhere.get("/jobs?f=json")
    assert answer.status_code == 502 and "`url`" in answer.json()["description"], answer.text
    wrong = elsewhere.run("openapi", "generate", elsewhere.environment["PYGEOAPI_CONFIG"])
    assert wrong.returncode == 0
