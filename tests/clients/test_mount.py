"""`examples/mount.rs`: rededge under a prefix in a server with routes of its own."""

import json
import subprocess
import threading

import pytest
import requests

PREFIX = "/rededge"
PROXY = {"X-Forwarded-Host": "maps.example.org", "X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def mounted(binary, offered, tmp_path_factory):
    """The address of the host."""
    program = binary.parent / "examples" / "mount"
    assert program.is_file(), f"{program} is absent: run `cargo build --release --example mount`"
    folder = tmp_path_factory.mktemp("mount")
    (folder / "rededge.toml").write_text(f'store = "{folder}/store"\n{offered}')
    command = [program, "127.0.0.1:0", folder / "rededge.toml"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said = next((line for line in process.stderr if line.startswith("listening on ")), None)
    assert said, "the host says where it listens"
    threading.Thread(target=process.stderr.read, daemon=True).start()
    yield said.split()[-1]
    process.terminate()
    process.wait(30)


def links(value):
    """Every address in a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [inner] if name == "href" else links(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links(inner)


def test_the_host_keeps_its_own_routes(mounted):
    assert requests.get(f"{mounted}/farms/7", timeout=30).json() == {"farm": 7}
    assert requests.get(f"{mounted}/processes", timeout=30).status_code == 404
    lost = requests.get(f"{mounted}{PREFIX}/no-such-thing", timeout=30)
    assert lost.status_code == 404 and lost.json()["status"] == 404, "ours are answered by us"


def test_links_lead_below_the_prefix_and_do_lead_somewhere(mounted):
    base = mounted + PREFIX
    for path in ("", "/processes", "/processes/echo", "/jobs", "/collections", "/collections/dem"):
        told = requests.get(base + path, timeout=30)
        found = [href for href in links(told.json()) if not href.startswith("http://www.opengis.net")]
        assert told.status_code == 200 and found, path
        for href in found:
            assert href.startswith(base), (path, href)
            if "execution" not in href and "{" not in href:
                assert requests.get(href, timeout=30).status_code == 200, href
    api = requests.get(f"{base}/api", timeout=30).json()
    assert api["servers"][0]["url"] == base
    tiles = requests.get(f"{base}/collections/dem", timeout=30).text
    assert f"{base}/collections/dem" in tiles


@pytest.mark.parametrize("path", ["", "/processes", "/collections", "/api", "/wps?service=WPS&request=GetCapabilities"])
def test_links_behind_a_proxy_have_its_host_and_scheme(mounted, path):
    told = requests.get(mounted + PREFIX + path, headers=PROXY, timeout=30)
    assert told.status_code == 200
    assert f"https://maps.example.org{PREFIX}" in told.text
    assert mounted not in told.text


def test_a_job_and_its_results_stay_below_the_prefix(mounted):
    base = mounted + PREFIX
    started = requests.post(f"{base}/processes/echo/execution", json={"inputs": {"text": "a"}},
                            headers={"Prefer": "respond-async"}, timeout=30)
    assert started.status_code == 201 and started.headers["Location"].startswith(f"{base}/jobs/")
    behind = requests.post(f"{base}/processes/echo/execution", json={"inputs": {"text": "a"}},
                           headers={"Prefer": "respond-async", **PROXY}, timeout=30)
    assert behind.headers["Location"].startswith(f"https://maps.example.org{PREFIX}/jobs/")
    assert json.dumps(behind.json()).count(f"https://maps.example.org{PREFIX}/") >= 2


def test_pages_and_what_they_load_stand_below_the_prefix(mounted):
    page = requests.get(f"{mounted}{PREFIX}/processes/rice-map?f=html", timeout=30).text
    here = page.replace(mounted, "")
    for attribute in ('href="/', 'src="/', 'action="/'):
        for rest in here.split(attribute)[1:]:
            assert rest.startswith(PREFIX[1:]), attribute + rest[:60]
