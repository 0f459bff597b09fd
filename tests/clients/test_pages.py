"""The pages of the server in a headless Chromium: forms, live jobs, results, keys, accessibility."""

import json
import pathlib
import re
import shutil

import pytest
import requests
from playwright.sync_api import expect, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOTS = ROOT / "target" / "screenshots"
ARGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def axe():
    """axe-core, where npm brought it (`tests/clients/setup.sh`)."""
    script = ROOT / "target" / "clients" / "node_modules" / "axe-core" / "axe.min.js"
    return script.read_text() if script.is_file() else None


@pytest.fixture
def browser(tmp_path):
    """A browser with a profile of its own."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is absent: run tests/clients/setup.sh"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=chromium, args=ARGS, viewport={"width": 1200, "height": 850}
        )
        context.set_default_timeout(20_000)
        yield context
        context.close()


@pytest.fixture
def page(browser):
    """A tab that must log no error and ask nobody but the server on the loopback."""
    tab, wrong = browser.new_page(), []
    # A status that a page is about is told as an error of the network.
    expected = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
    tab.on("console", lambda m: m.type in ("error", "warning") and not expected.match(m.text) and wrong.append(m.text))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("request", lambda r: re.match(r"(http://127\.0\.0\.1:|blob:http://127|data:)", r.url) or wrong.append(r.url))
    yield tab
    assert not wrong, wrong


def looked_at(page, name, axe):
    """Pictures in light, dark and on a phone; nothing wider than the screen; no fault that axe finds."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
    if axe:
        judge(page, axe, name)
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=SHOTS / f"{name}-dark.png", full_page=True)
    if axe:
        judge(page, axe, f"{name}, dark")
    page.set_viewport_size({"width": 360, "height": 740})
    page.screenshot(path=SHOTS / f"{name}-phone.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1200, "height": 850})


def judge(page, axe, name):
    # Through the debugger, which the page's own policy does not bind.
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert not found, name + json.dumps([[v["id"], [n["html"] for n in v["nodes"]][:3]] for v in found], indent=1)


DATA = [
    "collections", "collections/truth-rice", "collections/county", "collections/mines",
    "collections/mines/items", "collections/mines/items/1",
]
PAGES = ["", "processes", "jobs", "api", "conformance", "processes/echo", "processes/monitor"]


@pytest.mark.parametrize("path", PAGES + DATA)
def test_every_page_reads_well(server, page, axe, path):
    page.goto(f"{server.url}/{path}")
    expect(page.locator("h1")).to_have_count(1)
    looked_at(page, path.replace("/", "-") or "landing", axe)


def test_a_rice_map_is_asked_for_by_its_form_followed_and_read(server, page, axe):
    page.goto(server.url)
    page.get_by_role("link", name="Run a process").click()
    page.get_by_role("link", name="Rice map").click()
    page.get_by_label("Cube: from where").select_option(label="county")
    page.get_by_label("Samples: from where").select_option(label="samples")
    page.get_by_text("Options").click()
    page.get_by_label("Minimum mapping unit").fill("0.1")
    page.get_by_label("Validation: which").select_option(label="folds")
    folds = page.locator("[id='in-validation@1.folds']")
    folds.fill("1")
    looked_at(page, "form", axe)

    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="greater than or equal to 2")).to_be_visible()
    expect(folds).to_be_focused()
    expect(folds).to_have_attribute("aria-invalid", "true")
    folds.fill("2")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/jobs/*")
    expect(page.get_by_role("link", name="See the results")).to_be_visible(timeout=120_000)
    expect(page.locator("#log")).to_contain_text("classify")
    looked_at(page, "job-done", axe)

    page.get_by_role("link", name="See the results").click()
    expect(page.get_by_role("heading", name="Class map")).to_be_visible()
    picture = page.locator("section#classMap img")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("img => img.naturalWidth") > 300
    expect(page.locator("section#areas")).to_contain_text("single-rice")
    expect(page.locator("section#accuracy")).to_contain_text("Kappa")
    looked_at(page, "results", axe)
    with page.expect_download() as download:
        page.locator("section#classMap").get_by_role("link", name="Download").click()
    assert pathlib.Path(download.value.path()).read_bytes()[:4] in (b"II*\0", b"II+\0")


def test_what_the_server_refuses_stands_beside_its_input(server, page):
    page.goto(f"{server.url}/processes/stress-zones")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("[id='in-stressMap-fault']")).to_have_text("This is required.")
    page.get_by_label("Stress map: from where").select_option(label="a result of a job …")
    page.get_by_label("Link of the result").first.fill("/jobs/none/results/none")
    page.get_by_role("button", name="Run", exact=True).click()
    # What only the run finds out is told by the job.
    page.wait_for_url("**/jobs/*")
    expect(page.get_by_role("alert")).to_contain_text("stressMap")
    expect(page.locator("#job")).to_have_attribute("data-status", "failed")


def test_echo_takes_every_kind_of_input(server, page, tmp_path):
    page.goto(f"{server.url}/processes/echo")
    page.locator("#in-text").fill("<b>bold</b>")
    page.get_by_text("Options").click()
    page.locator("#in-number").fill("2.5")
    page.locator("#in-choice").select_option(label="two")
    page.locator("#in-list").fill("1, 2.5,3")
    for side, value in zip(["west", "south", "east", "north"], [112, 27, 114, 28]):
        page.get_by_label(side, exact=True).fill(str(value))
    page.locator("#in-object").fill('{"a": [1, 2]}')
    (tmp_path / "bytes.bin").write_bytes(b"\0\1\2")
    page.locator("#in-bytes").set_input_files(tmp_path / "bytes.bin")
    page.get_by_label("File: from where").select_option(label="a text to paste …")
    page.get_by_label("GeoJSON, or CSV with a header").fill('{"type": "Point", "coordinates": [1, 2]}')
    page.get_by_text("The request as JSON").click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/jobs/*")
    expect(page.get_by_role("link", name="See the results")).to_be_visible()
    results = page.request.get(page.url + "/results?f=json").json()
    assert {name: results[name] for name in ["text", "number", "choice", "list", "object", "bytes"]} == {
        "text": "<b>bold</b>", "number": 2.5, "choice": "two", "list": [1, 2.5, 3], "object": {"a": [1, 2]}, "bytes": "AAEC",
    }
    assert results["bbox"]["bbox"] == [112, 27, 114, 28]
    page.get_by_role("link", name="See the results").click()
    expect(page.locator("section#text")).to_contain_text("<b>bold</b>")


def test_a_running_job_is_followed_and_cancelled(server, page, axe):
    page.goto(f"{server.url}/processes/echo")
    page.locator("#in-text").fill("slow")
    page.get_by_text("Options").click()
    page.get_by_label("Pause").fill("600")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/*")
    expect(page.locator("#job")).to_have_attribute("data-status", "running")
    expect(page.locator("#message")).to_have_text("wait")
    looked_at(page, "job-running", axe)
    page.get_by_role("button", name="Cancel the job").click()
    page.screenshot(path=SHOTS / "job-cancel.png")
    page.get_by_role("button", name="Let it run").click()
    expect(page.locator("#job")).to_have_attribute("data-status", "running")
    page.get_by_role("button", name="Cancel the job").click()
    page.get_by_role("button", name="Stop it").click()
    expect(page.locator("#job")).to_have_attribute("data-status", "dismissed")
    # Nothing is asked any more once it is over.
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(4000)
    assert asked == []
    page.goto(f"{server.url}/jobs")
    expect(page.locator("tbody tr").first).to_contain_text("dismissed")
    looked_at(page, "jobs", axe)


def test_a_page_works_by_keyboard_and_without_scripts(server, page):
    page.goto(f"{server.url}/processes/echo")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    # A browser that only emulates the absence of scripts does not show what stands in `noscript`.
    text = requests.get(f"{server.url}/processes/echo?f=html", timeout=30).text
    assert "<noscript><p class=\"note\">The form needs JavaScript" in text


def test_where_a_key_is_asked_for_it_is_entered_once_a_tab(serve, offered, page, axe):
    server = serve('[keys]\nann = "0123456789abcdef-ann"\n' + offered)
    page.goto(f"{server.url}/jobs")
    looked_at(page, "sign-in", axe)
    page.get_by_label("Your key").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("does not know this key")
    page.get_by_label("Your key").fill("0123456789abcdef-ann")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.get_by_role("link", name="Processes").first.click()
    page.get_by_role("link", name="Heat map of mines").click()
    page.get_by_label("Mines: from where").select_option(label="mines")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/jobs/*")
    page.get_by_role("link", name="See the results").click(timeout=60_000)
    picture = page.locator("section#density img")
    expect(picture).to_have_attribute("src", re.compile("^blob:"))
    with page.expect_download() as download:
        page.locator("section#density").get_by_role("link", name="Download").click()
    assert pathlib.Path(download.value.path()).stat().st_size > 1000
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{server.url}/jobs")
    expect(page.get_by_label("Your key")).to_be_visible()


def test_items_are_filtered_by_their_form(server, page):
    page.goto(f"{server.url}/collections/mines/items?limit=2")
    rows = page.locator("table tbody tr")
    assert rows.count() == 2
    page.get_by_role("link", name="More").click()
    page.get_by_label("Only where").fill("name = 'mine 2'")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("mine 2")
    page.locator("table tbody a").click()
    expect(page.locator("h1")).to_contain_text("Item 2 of")
    expect(page.locator("main")).to_contain_text("mine 2")
