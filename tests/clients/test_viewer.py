"""The map viewer in a headless Chromium: layers, two years side by side, what a click tells, zones and mines."""

import io
import json
import pathlib
import re
import shutil
import subprocess
import time

import pytest
import requests
from PIL import Image
from playwright.sync_api import expect, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOTS = ROOT / "target" / "screenshots"
# WebGL on the processor.
ARGS = (
    "--headless --no-sandbox --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader --disable-quic "
    "--no-first-run --disable-background-networking --disable-component-update --disable-sync"
).split()


def run(server, process, **inputs):
    """The id of a job that is done."""
    request = {"inputs": inputs, "response": "document"}
    answer = requests.post(f"{server.url}/processes/{process}/execution", json=request, headers={"Prefer": "respond-async"})
    job = answer.json()["jobID"]
    while (status := requests.get(f"{server.url}/jobs/{job}").json())["status"] in ("accepted", "running"):
        time.sleep(0.2)
    assert status["status"] == "successful", status["message"]
    return job


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

    server.old = run(server, "rice-map", cube="county-2019", samples="samples-2019", seed=1)
    server.new = run(server, "rice-map", cube="county-2020", samples="samples-2020", seed=1)
    server.zones = run(server, "stress-zones", stressMap="truth", mines="mines", minimumMappingUnit=0.05)
    server.heat = run(server, "mine-heatmap", mines="mines", bandwidth=500, cell=50)
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
        slow = re.compile(r"GPU stall|Automatic fallback to software WebGL|GL Driver Message|with a status of 4(0[014]|10)")
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


def axe():
    """axe-core, where npm brought it (`tests/clients/setup.sh`)."""
    script = ROOT / "target" / "clients" / "node_modules" / "axe-core" / "axe.min.js"
    return script.read_text() if script.is_file() else None


def judge(page, name):
    """No fault that axe finds. Through the debugger, which the page's own policy does not bind."""
    script = axe()
    if script is None:
        return
    page.evaluate(script)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert not found, name + json.dumps([[v["id"], [n["html"] for n in v["nodes"]][:3]] for v in found], indent=1)


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
    expect(left).to_contain_text("Class map, county-2019")
    expect(left).to_contain_text("Class map, county-2020")
    expect(left.get_by_label("Scenes")).to_have_value(re.compile("county-2019$"))
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

    # The chart is read by pointing at it.
    left.get_by_label("Spectral index or band").fill("NDVI")
    left.get_by_label("Spectral index or band").press("Enter")
    expect(left.locator("svg[role=img]")).to_have_attribute("aria-label", re.compile("^NDVI"))
    left.locator("svg[role=img]").hover()
    expect(left.locator("output")).to_have_text(re.compile(r"2020-\d\d-\d\d +-?\d\.\d{3}"))
    page.screenshot(path=SHOTS / "viewer-chart.png")
    left.get_by_text("As a table").click()
    expect(left.locator("figure tbody tr")).to_have_count(12)
    judge(page, "a click")

    # The line is moved by keys and by hand.
    before = page.locator("#maps").screenshot()
    edge = page.get_by_role("slider", name="Where the sides meet")
    for _ in range(4):
        edge.press("PageDown")
    expect(page.locator("#right")).to_have_css("clip-path", re.compile("10%"))
    page.wait_for_timeout(400)
    assert page.locator("#maps").screenshot() != before

    # The address restores the view.
    link = page.url
    assert "swipe=0.10" in link and "index=NDVI" in link
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(edge).to_have_attribute("aria-valuenow", "10")
    assert page.url.split("&")[0].split("map=")[1].split("/")[0] == link.split("&")[0].split("map=")[1].split("/")[0]


def test_the_map_fits_a_phone_and_the_dark(maps, page):
    opened(page, f"{maps.url}/viewer#layers={maps.old}-classMap:1&right={maps.new}-classMap")
    judge(page, "light")
    light = page.locator("#maps").screenshot()
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(600)
    assert page.locator("#maps").screenshot() != light
    page.screenshot(path=SHOTS / "viewer-dark.png")
    click_at(page, 0.3, 0.5)
    judge(page, "dark")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator("#details")).to_be_hidden()

    page.set_viewport_size({"width": 360, "height": 740})
    opened(page, f"{maps.url}/viewer#layers={maps.old}-classMap:1&right={maps.new}-classMap")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.screenshot(path=SHOTS / "viewer-phone.png")
    click_at(page, 0.3, 0.5)
    page.screenshot(path=SHOTS / "viewer-phone-details.png")
    judge(page, "phone, a click")
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("button", name="Layers", exact=True).click()
    expect(page.locator(f"[data-card='{maps.old}-classMap']")).to_be_visible()
    page.screenshot(path=SHOTS / "viewer-phone-layers.png")
    judge(page, "phone, layers")
    small = "[...document.querySelectorAll('#side button, #side select, #maps button')].filter(b => b.getClientRects().length)"
    small += ".filter(b => b.getBoundingClientRect().height < 34).map(b => b.outerHTML)"
    assert page.evaluate(small) == []
    page.get_by_role("button", name="Hide the layers").click()
    expect(page.locator("#side")).to_be_hidden()
    expect(page.get_by_role("button", name="Layers", exact=True)).to_be_focused()


def test_layers_fade_and_are_found_and_taken_off(maps, page):
    opened(page, f"{maps.url}/viewer#layers={maps.old}-classMap:1")
    full = page.locator("#maps").screenshot()
    page.get_by_label("Opacity of Class map of rice-map, county-2019").fill("0.2")
    page.wait_for_timeout(500)
    assert page.locator("#maps").screenshot() != full
    assert f"{maps.old}-classMap:0.2" in page.url
    page.get_by_label("Find a layer").fill("SAMPLES 20")
    expect(page.locator("#layers li")).to_have_count(2)
    page.get_by_label("Find a layer").fill("nothing of this name")
    expect(page.locator("#layers")).to_contain_text("No layer has these words")
    page.get_by_label("Find a layer").fill("confidence")
    page.locator("#layers li").first.get_by_label("Confidence").check()
    expect(page.locator("#shown li.layer")).to_have_count(2)
    expect(page.locator("#shown .ramp")).to_be_visible()
    judge(page, "two layers")
    for _ in range(2):
        page.get_by_role("button", name=re.compile("^Take .* off the map")).first.click()
    expect(page.locator("#nothing")).to_be_visible()
    assert "layers=" not in page.url
    page.screenshot(path=SHOTS / "viewer-nothing.png")


def test_the_map_is_used_by_keys_alone(maps, page):
    opened(page, f"{maps.url}/viewer#layers={maps.zones}-zones:1,{maps.zones}-mines:1&right={maps.new}-classMap")
    focused = "document.activeElement"
    seen = []
    for _ in range(80):
        page.keyboard.press("Tab")
        # Focus is seen: an outline on the control itself, or on the line's handle.
        shown = f"(getComputedStyle({focused}).outlineStyle !== 'none' || getComputedStyle({focused}, '::after').outlineStyle !== 'none')"
        seen.append(page.evaluate(f"[{focused}.id || {focused}.className || {focused}.tagName, {shown}]"))
        if seen[-1][0] == "BODY" or seen[-1] in seen[:-1] and seen[-1][0] == "brand":
            break
    names = [name for name, _ in seen]
    for wanted in ["copy", "hide-side", "compare", "filter-area", "filter-text", "find", "edge", "maplibregl-canvas", "maplibregl-ctrl-zoom-in"]:
        assert wanted in names, (wanted, names)
    assert [name for name, shown in seen if not shown and name != "BODY"] == []
    page.locator("#left canvas").focus()
    before = page.url
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(900)
    assert page.url != before
    page.keyboard.press("Enter")
    page.wait_for_selector("#details[data-done]")
    page.screenshot(path=SHOTS / "viewer-keys.png")
    page.keyboard.press("Escape")
    expect(page.locator("#details")).to_be_hidden()
    expect(page.locator("#left canvas")).to_be_focused()


def test_an_empty_server_says_what_to_do(maps, serve, page):
    empty = serve("")
    opened(page, f"{empty.url}/viewer")
    expect(page.locator("#side").get_by_role("link", name="Run a process")).to_be_visible()
    expect(page.locator("#nothing")).to_be_hidden()
    judge(page, "empty")
    page.screenshot(path=SHOTS / "viewer-empty.png")
    opened(page, f"{empty.url}/viewer#layers=gone-classMap:1")
    expect(page.get_by_role("status").filter(has_text="Not here any more: gone-classMap")).to_be_visible()


def test_where_a_key_is_asked_for_the_map_asks_too(county, maps, serve, page):
    truth = f'[data.cubes]\ncounty-2019 = "{county}/items.json"\n[data.files]\ntruth = "{county}/truth-rice.tif"\nmines = "{county}/mines.geojson"\n'
    keyed = serve('[keys]\nann = "0123456789abcdef-ann"\n' + truth)
    page.goto(f"{keyed.url}/viewer#layers=truth:1,mines:1")
    expect(page.get_by_label("Your key")).to_be_visible()
    page.screenshot(path=SHOTS / "viewer-key.png")
    judge(page, "key")
    page.get_by_label("Your key").fill("not the key of anybody")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("does not know this key")
    refused = []
    page.on("response", lambda answer: answer.status == 401 and refused.append(answer.url))
    page.get_by_label("Your key").fill("0123456789abcdef-ann")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("[data-card='truth']")).to_be_visible()
    page.wait_for_selector("body[data-ready]")
    drawn = page.locator("#maps").screenshot()
    page.locator("#layers [data-layer='truth'] input").uncheck()
    page.wait_for_timeout(600)
    assert page.locator("#maps").screenshot() != drawn
    click_at(page, 0.5, 0.5)
    expect(page.locator("#details svg[role=img]")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in")).to_be_hidden()
    assert refused == []
    # The key of the tab is gone: the map says so instead of staying empty.
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{keyed.url}/viewer")
    expect(page.get_by_label("Your key")).to_be_visible()


def test_a_zone_tells_its_mines_and_zones_are_filtered(maps, page):
    items = f"{maps.url}/collections/{maps.zones}-zones/items?f=json&sortby=-areaHa&limit=1"
    largest = requests.get(items).json()["features"][0]
    lon, lat = inside(largest["geometry"])
    opened(page, f"{maps.url}/viewer#map=15.00/{lat}/{lon}&layers={maps.zones}-zones:1,{maps.zones}-mines:1")
    click_at(page, 0.5, 0.5)
    panel = page.locator("#details")
    expect(panel).to_contain_text("areaHa")
    expect(panel).to_contain_text("Mines within")
    judge(page, "a zone")
    page.screenshot(path=SHOTS / "viewer-zone.png")
    page.get_by_label("Mines within (m)").fill("50000")
    page.get_by_label("Mines within (m)").press("Enter")
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
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#filter-said")).to_have_text("")
    expect(page.locator("#filter-fault")).to_be_hidden()


def test_mines_are_drawn_as_a_heat_map(maps, page):
    opened(page, f"{maps.url}/viewer#layers={maps.zones}-zones:1,{maps.zones}-mines:1")
    page.get_by_role("button", name=re.compile("Zoom to it.*Mines")).click()
    page.wait_for_timeout(1500)
    points = reds(page)
    card = page.locator(f"[data-card='{maps.zones}-mines']")
    card.get_by_label("as a heat map").check()
    expect(card.locator(".ramp")).to_be_visible()
    page.wait_for_timeout(800)
    page.screenshot(path=SHOTS / "viewer-heat.png")
    narrow = reds(page)
    assert narrow > points + 2000, (points, narrow)
    assert ":heat" in page.url
    # The reach is metres on the ground: twice as far covers more.
    card.get_by_label("Reach of a point in metres").fill("1000")
    card.get_by_label("Reach of a point in metres").press("Enter")
    page.wait_for_timeout(800)
    assert reds(page) > 2 * narrow
    assert "reach=1000" in page.url
    judge(page, "heat")
    # And the result of mine-heatmap is a layer of its own.
    opened(page, f"{maps.url}/viewer#layers={maps.heat}-density:1,{maps.zones}-mines:1")
    expect(page.locator(f"[data-card='{maps.heat}-density'] .ramp-labels")).to_contain_text("1/km2")
    assert reds(page) > 2000
    page.screenshot(path=SHOTS / "viewer-density.png")


@pytest.fixture(scope="module")
def live(maps, county, serve, tmp_path_factory):
    """A server that computes maps while they are looked at: by an index of each date, and by a model."""
    model = tmp_path_factory.mktemp("model") / "rice.json"
    model.write_bytes(requests.get(f"{maps.url}/jobs/{maps.old}/results/model").content)
    return serve(f"""[data.cubes]
county = "{county}/items.json"
[data.models]
rice = "{model}"
[live.rice-now]
title = "Rice as you look"
cube = "county"
model = "rice"
[live.ndre]
title = "NDRE by date"
cube = "county"
index = "NDRE"
""")


def test_a_live_layer_is_drawn_by_the_date_that_is_picked(live, page):
    dates = requests.get(f"{live.url}/collections/ndre").json()["live"]["dates"]
    opened(page, f"{live.url}/viewer#layers=ndre:1")
    card = page.locator("[data-card='ndre']")
    expect(card.locator(".tag").first).to_have_text("live")
    expect(card.locator(".ramp")).to_be_visible()
    expect(card.get_by_label("date of NDRE by date", exact=True)).to_have_value(dates[-1])
    drawn = [page.locator("#maps").screenshot()]
    asked = []
    page.on("request", lambda request: "/tiles/" in request.url and asked.append(request.url))
    card.get_by_role("button", name="Earlier date of NDRE by date").click()
    expect(card.get_by_label("date of NDRE by date", exact=True)).to_have_value(dates[-2])
    page.wait_for_timeout(1500)
    assert asked and all(f"datetime={dates[-2]}" in url for url in asked), asked
    drawn.append(page.locator("#maps").screenshot())
    assert drawn[0] != drawn[1]
    assert f"layers=ndre:1:{dates[-2]}" in page.url
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(card.get_by_label("date of NDRE by date", exact=True)).to_have_value(dates[-2])

    # Two dates of one layer lie side by side, and a click tells both.
    page.get_by_label("On the right side").select_option(label="NDRE by date")
    card.get_by_label("right side of NDRE by date", exact=True).select_option(dates[0])
    expect(page.locator("#name-left")).to_have_text(f"NDRE by date, {dates[-2]}")
    expect(page.locator("#name-right")).to_have_text(f"NDRE by date, {dates[0]}")
    page.wait_for_timeout(1500)
    click_at(page, 0.3, 0.5)
    expect(page.locator("#details")).to_contain_text(f"NDRE by date, {dates[0]}")
    page.screenshot(path=SHOTS / "viewer-live.png")
    judge(page, "live")


def test_tiles_of_a_live_layer_are_given_up_when_nobody_looks(live, page):
    """The browser breaks off what it does not show any more; what the server does then is in `server_live.rs`."""
    opened(page, f"{live.url}/viewer#layers=rice-now:1")
    held, aborted = [], []
    page.route("**/tiles/**", lambda route: held.append(route.request.url))  # and nothing comes
    page.on("requestfailed", lambda request: "/tiles/" in request.url and aborted.append(request))
    page.locator("#left canvas").focus()
    for _ in range(6):
        page.keyboard.press("-")
        page.wait_for_timeout(700)
        if held:
            break
    assert held
    expect(page.locator("#busy")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("-")
        page.wait_for_timeout(700)
    assert {request.failure for request in aborted} == {"net::ERR_ABORTED"}
    assert held[0] in [request.url for request in aborted]
    # It is no fault to the reader.
    expect(page.locator("#said")).to_be_hidden()
    page.unroute("**/tiles/**")


def asked_by_form(page, server, folds):
    """The form of rice-map, filled so that the job takes its time: the slowest method, validated in so many folds."""
    page.goto(f"{server.url}/processes/rice-map")
    page.get_by_label("Cube: from where").select_option(label="county-2020")
    page.get_by_label("Samples: from where").select_option(label="samples-2020")
    page.get_by_text("Options").click()
    page.locator("[id='in-method']").select_option("swv")
    page.get_by_label("Validation: which").select_option(label="folds")
    page.locator("[id='in-validation@1.folds']").fill(str(folds))
    page.get_by_role("button", name="Run and watch the map").click()
    page.wait_for_url("**/viewer#layers=*")
    page.wait_for_selector("body[data-ready]")
    return page.locator("#shown li.layer").first


def test_a_map_is_seen_while_it_is_computed(maps, page):
    card = asked_by_form(page, maps, 12)
    expect(card.get_by_role("progressbar")).to_be_visible()
    expect(card.locator(".tag").first).to_have_text("growing")
    page.screenshot(path=SHOTS / "viewer-growing.png")
    judge(page, "growing")
    expect(card.locator(".legend")).to_contain_text("double-rice", timeout=120_000)
    expect(card.get_by_role("progressbar")).to_have_count(0, timeout=120_000)
    expect(card.get_by_role("button", name=re.compile("^Zoom to it"))).to_be_visible()
    page.wait_for_timeout(1500)
    page.screenshot(path=SHOTS / "viewer-grown.png")
    green = pixels(page, lambda r, g, b: g > r + 40 and g > b + 30)
    assert green > 500, green
    # Nothing is asked any more once it is done.
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(6000)
    assert asked == []


def test_a_map_that_comes_to_nothing_says_why(maps, page):
    card = asked_by_form(page, maps, 40)
    expect(card.get_by_role("progressbar")).to_be_visible()
    job = re.search(r"layers=([0-9a-f-]{36})-", page.url)[1]
    assert requests.delete(f"{maps.url}/jobs/{job}").status_code == 200
    expect(card.locator(".fault")).to_contain_text(re.compile("dismissed|cancelled|stopped"), timeout=30_000)
    expect(card.get_by_role("progressbar")).to_have_count(0)
    page.screenshot(path=SHOTS / "viewer-fell.png")


def reds(page):
    """Pixels of the map that are as warm as the ramp of heat maps."""
    return pixels(page, lambda r, g, b: r > 180 and r - b > 60)


def pixels(page, wanted):
    """How many pixels of the map have a colour that is wanted."""
    box = page.locator("#maps").bounding_box()
    clip = {"x": box["x"], "y": box["y"] + 10, "width": box["width"] - 60, "height": box["height"] - 60}
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    return sum(count for count, colour in picture.getcolors(1 << 24) if wanted(*colour))


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
