"""Opens pygeoapi's pages of the mirrored processes, as ``walk.sh`` starts it, and keeps what they look like."""

import shutil
import sys
import tempfile
import time

import requests
from playwright.sync_api import sync_playwright

ZONES = {"stressMap": "stress-2019", "mines": "mines", "minimumMappingUnit": 0.5}
ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def wait_for(url):
    """Waits until pygeoapi answers."""
    for _ in range(600):
        try:
            requests.get(url, timeout=60).raise_for_status()
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    sys.exit(f"{url} does not answer")


def run_zones(url):
    """Runs ``stress-zones`` through pygeoapi. Returns the address of its job."""
    asynchronous = {"Prefer": "respond-async"}
    body = {"inputs": ZONES, "response": "document"}
    started = requests.post(f"{url}/processes/stress-zones/execution", json=body, headers=asynchronous, timeout=60)
    assert started.status_code == 201, started.text
    job = started.headers["Location"]
    while (status := requests.get(job, params={"f": "json"}, timeout=60).json())["status"] in ("accepted", "running"):
        time.sleep(0.2)
    assert status["status"] == "successful", status
    return job


def main(url, style, pictures):
    """Takes the pictures."""
    wait_for(url)
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=shutil.which("chromium"), args=ARGS, viewport={"width": 1000, "height": 620}
        )
        context.route("https://unpkg.com/bootstrap@5.1.3/**", lambda route: route.fulfill(path=style))
        page = context.new_page()

        def picture(address, name, told):
            """Keeps what a page shows, once it tells what it should."""
            page.goto(f"{address}?f=html", wait_until="load")
            page.get_by_text(told).first.wait_for(timeout=20_000)
            page.screenshot(path=f"{pictures}/pygeoapi-{name}.png")
            print(f"{pictures}/pygeoapi-{name}.png")

        picture(f"{url}/processes", "1-processes", "Stress zones")
        picture(f"{url}/processes/stress-zones", "2-process", "Minimum mapping unit")
        job = run_zones(url)
        picture(f"{url}/jobs", "3-jobs", "stress-zones")
        picture(job, "4-job", "successful")
        picture(f"{job}/results", "5-results", "zones")
        context.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
