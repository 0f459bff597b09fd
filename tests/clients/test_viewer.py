"""The map viewer in a headless Chromium: layers, two years side by side, what a click tells, zones and mines."""

import pathlib
import re
import shutil
import subprocess
import time

import pytest
import requests
from playwright.sync_api import expect, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOTS = ROOT / "target" / "screenshots"
# WebGL on the processor.
ARGS = (
    "--headless --no-sandbox --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader --disable-quic "
    "--no-first-run --disable-background-networking --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="module")
def maps(binary, county, serve, tmp_path_factory):
    """A server over two years of a county, with maps of both, zones, and mines."""
    later = tmp_path_factory.mktemp("later") / "county"
    size = ["--width", "300", "--height", "300", "--dates", "12", "--seed", "7", "--year", "2020"]
    subprocess.run([binary, "simulate", later, *size], check=True, capture_output=True)
    data = f"""[data.cubes]
county-2019 = "{county}/items.json"
county-2020 = "{later}/items.json"
[data.files]
samples-2019 = "{county}/samples-rice.geojson"
samples-2020 = "{later}/samples-rice.geojson"
mines = "{county}/mines.geojson"
truth = "{county}/truth-stress.tif"
"""
    server = serve(data)
    if "make viewer" in requests.get(f"{server.url}/viewer", headers={"Accept": "text/html"}).text:
        pytest.skip("the binary has no map library: make build")

    def run(process, **inputs):
        """The id of a job that is done."""
        request = {"inputs": inputs, "response": "document"}
        answer = requests.post(f"{server.url}/processes/{process}/execution", json=request, headers={"Prefer": "respond-async"})
        job = answer.json()["jobID"]
        while (status := requests.get(f"{server.url}/jobs/{job}").json())["status"] in ("accepted", "running"):
            time.sleep(0.2)
        assert status["status"] == "successful", status["message"]
        return job

    server.old = run("rice-map", cube="county-2019", samples="samples-2019", seed=1)
    server.new = run("rice-map", cube="county-2020", samples="samples-2020", seed=1)
    server.zones = run("stress-zones", stressMap="truth", mines="mines", minimumMappingUnit=0.05)
    return server


@pytest.fixture
def page(tmp_path):
    """A tab that must log no error and ask nobody but the server on the loopback."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is absent: run tests/clients/setup.sh"
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=chromium, args=ARGS, viewport={"width": 1280, "height": 860}
        )
        context.set_default_timeout(30_000)
        tab, wrong = context.new_page(), []
        # What the software renderer says of its speed is no fault of the page.
        # And a status that the page tells of is an error of the network to the browser.
        slow = re.compile(r"GPU stall|Automatic fallback to software WebGL|GL Driver Message|with a status of 400")
        tab.on("console", lambda m: m.type in ("error", "warning") and not slow.search(m.text) and wrong.append(m.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda r: re.match(r"(http://127\.0\.0\.1:|blob:http://127|data:)", r.url) or wrong.append(r.url))
        yield tab
        context.close()
        assert not wrong, wrong


def opened(page, url):
    page.goto("about:blank")
    page.goto(url)
    page.wait_for_selector("body[data-ready]")
    page.wait_for_timeout(600)


def click_at(page, across, down):
    box = page.locator("#maps").bounding_box()
    page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
    page.wait_for_selector("#details[data-done]")


def test_two_years_lie_side_by_side_and_a_click_tells_the_series(maps, page):
    opened(page, f"{maps.url}/viewer#layers={maps.old}-classMap:1&right={maps.new}-classMap&swipe=0.5")
    expect(page.get_by_label("On the right side")).to_have_value(f"{maps.new}-classMap")
    expect(page.locator(f"[data-legend='{maps.old}-classMap']")).to_contain_text("double-rice")
    page.screenshot(path=SHOTS / "viewer-swipe.png")
    click_at(page, 0.4, 0.5)
    left = page.locator("#details")
    expect(left).to_contain_text("Class map of rice-map")
    expect(left.locator("svg[role=img]")).to_have_attribute("aria-label", re.compile(r"NDRE: \d+ clear and \d+ cloudy dates"))
    page.screenshot(path=SHOTS / "viewer-series.png")
    left.get_by_label("Scenes").select_option(label="County-2020")
    expect(left.locator("svg[role=img]")).to_have_attribute("aria-label", re.compile("2020-"))
    left.get_by_label("Spectral index or band").fill("EVI")
    left.get_by_label("Spectral index or band").press("Enter")
    expect(left.locator("svg[role=img]")).to_have_attribute("aria-label", re.compile("^EVI"))
    left.get_by_label("Spectral index or band").fill("NDXX")
    left.get_by_label("Spectral index or band").press("Enter")
    expect(left.locator(".fault")).to_contain_text("NDXX")

    before = page.locator("#maps").screenshot()
    page.get_by_label("Where the sides meet").fill("0.1")
    expect(page.locator("#right")).to_have_css("clip-path", re.compile("10%"))
    page.wait_for_timeout(400)
    assert page.locator("#maps").screenshot() != before

    # The address restores the view.
    link = page.url
    assert "swipe=0.10" in link and "index=NDXX" in link
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.get_by_label("Where the sides meet").input_value() == "0.1"
    assert page.url.split("&")[0].split("map=")[1].split("/")[0] == link.split("&")[0].split("map=")[1].split("/")[0]


def test_the_map_fits_a_phone_and_the_dark(maps, page):
    opened(page, f"{maps.url}/viewer#layers={maps.old}-classMap:1")
    light = page.locator("#maps").screenshot()
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(600)
    assert page.locator("#maps").screenshot() != light
    page.screenshot(path=SHOTS / "viewer-dark.png")
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_timeout(800)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    click_at(page, 0.5, 0.4)
    page.screenshot(path=SHOTS / "viewer-phone.png")


def test_layers_fade_and_are_found(maps, page):
    opened(page, f"{maps.url}/viewer#layers={maps.old}-classMap:1")
    full = page.locator("#maps").screenshot()
    page.locator(f"[data-layer='{maps.old}-classMap']").get_by_label("Opacity of Class map of rice-map").fill("0.2")
    page.wait_for_timeout(500)
    assert page.locator("#maps").screenshot() != full
    assert f"{maps.old}-classMap:0.2" in page.url
    page.get_by_label("Find a layer").fill("truth")
    expect(page.locator("#layers li")).to_have_count(2)
    page.get_by_label("Find a layer").fill("nothing of this name")
    expect(page.locator("#layers li")).to_have_count(1)


def test_a_zone_tells_its_mines_and_zones_are_filtered(maps, page):
    items = f"{maps.url}/collections/{maps.zones}-zones/items?f=json&sortby=-areaHa&limit=1"
    largest = requests.get(items).json()["features"][0]
    lon, lat = inside(largest["geometry"])
    opened(page, f"{maps.url}/viewer#map=15.00/{lat}/{lon}&layers={maps.zones}-zones:1,{maps.zones}-mines:1")
    click_at(page, 0.5, 0.5)
    panel = page.locator("#details")
    expect(panel).to_contain_text("areaHa")
    expect(panel).to_contain_text("Mines within")
    page.screenshot(path=SHOTS / "viewer-zone.png")
    page.get_by_label("Mines within so many metres").fill("50000")
    page.get_by_label("Mines within so many metres").press("Enter")
    expect(panel.locator("ol li").first).to_be_visible()
    assert panel.locator("ol li").count() == len(requests.get(f"{maps.url}/collections/{maps.zones}-mines/items?f=json&limit=100").json()["features"])

    all_zones = requests.get(f"{maps.url}/collections/{maps.zones}-zones/items?f=json&limit=1").json()["numberMatched"]
    large = largest["properties"]["areaHa"]
    page.get_by_label("At least ha").fill(str(large))
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator("#filter-said")).to_contain_text(f"1 of {all_zones}")
    page.get_by_label("Condition").fill("areaHa >")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator("#filter-fault")).to_be_visible()
    page.locator(f"[data-layer='{maps.zones}-mines']").get_by_label("as a heat map").check()
    page.wait_for_timeout(600)
    page.screenshot(path=SHOTS / "viewer-heat.png")
    assert ":heat" in page.url


def inside(geometry):
    """A point within a polygon, by looking along a line through it."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    ring = max((polygon[0] for polygon in polygons), key=len)
    lats = sorted({round(y, 9) for _, y in ring})
    lat = (lats[len(lats) // 2 - 1] + lats[len(lats) // 2]) / 2
    cuts = []
    for (x1, y1), (x2, y2) in zip(ring, ring[1:]):
        if (y1 > lat) != (y2 > lat):
            cuts.append(x1 + (lat - y1) / (y2 - y1) * (x2 - x1))
    cuts.sort()
    a, b = max(zip(cuts[::2], cuts[1::2]), key=lambda ab: ab[1] - ab[0])
    return (a + b) / 2, lat
