"""The pictures of docs/pages.md: a simulated county of two years, its pages and its map in a headless Chromium.
`make pictures`; they are small WebP files below docs/img."""

import argparse
import io
import pathlib
import shutil
import subprocess
import tempfile

import conftest
import requests
from PIL import Image
from playwright.sync_api import sync_playwright
from test_viewer import ARGS, inside, run

IMAGES = conftest.ROOT / "docs" / "img"


class Photographer:
    """A tab whose pictures are kept small."""

    def __init__(self, page, url):
        self.page, self.url = page, url

    def open(self, path, wide=1280, high=800, dark=False):
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.page.set_viewport_size({"width": wide, "height": high})
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}/{path}")
        if path.startswith("viewer"):
            self.page.wait_for_selector("body[data-ready]")
        self.page.wait_for_timeout(1200)

    def click(self, across, down):
        box = self.page.locator("#maps").bounding_box()
        self.page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
        self.page.wait_for_selector("#details[data-done]")
        self.page.mouse.move(box["x"] + 5, box["y"] + box["height"] - 5)
        self.page.wait_for_timeout(600)

    def take(self, name):
        shot = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        file = IMAGES / f"{name}.webp"
        shot.save(file, quality=88, method=6)
        print(f"{file.relative_to(conftest.ROOT)}: {file.stat().st_size // 1024} KiB")


def county(binary, home, year):
    size = ["--width", "600", "--height", "500", "--dates", "18", "--seed", "11"]
    subprocess.run([binary, "simulate", home / f"c{year}", *size, "--year", str(year)], check=True, capture_output=True)
    return home / f"c{year}"


def clouded(server, job):
    """A place with rice that clouds hid on at least three dates."""
    west, south, east, north = requests.get(f"{server.url}/collections/{job}-classMap").json()["extent"]["spatial"]["bbox"][0]
    for k in range(400):
        lon = west + (east - west) * (0.3 + 0.4 * (k * 0.618 % 1))
        lat = south + (north - south) * (0.3 + 0.4 * (k * 0.414 % 1))
        here = f"lon={lon}&lat={lat}"
        if "rice" not in str(requests.get(f"{server.url}/collections/{job}-classMap/point?{here}").json().get("class")).replace("non-rice", ""):
            continue
        series = requests.get(f"{server.url}/collections/county-2019/series?{here}&index=NDRE").json()["series"]
        if sum(date["clouds"] for date in series) >= 3:
            return lon, lat
    raise RuntimeError("no place is clouded")


def take_all(photo, server):
    old = run(server, "rice-map", cube="county-2019", samples="samples-2019", seed=1)
    new = run(server, "rice-map", cube="county-2020", samples="samples-2020", seed=1)
    zones = run(server, "stress-zones", stressMap="stress-2019", mines="mines", minimumMappingUnit=0.2)
    heat = run(server, "mine-heatmap", mines="mines", bandwidth=700, cell=40)
    photo.open("processes/rice-map", high=900)
    photo.page.get_by_label("Cube: from where").select_option(label="county-2019")
    photo.page.get_by_label("Samples: from where").select_option(label="samples-2019")
    photo.page.locator("#run").scroll_into_view_if_needed()
    photo.take("page-form")
    lon, lat = clouded(server, old)
    photo.open(f"viewer#map=13.6/{lat}/{lon}&layers={old}-classMap:1&right={new}-classMap&swipe=0.58")
    photo.click(0.5, 0.5)
    photo.take("page-map")
    items = f"{server.url}/collections/{zones}-zones/items?f=json&sortby=-areaHa&limit=1"
    lon, lat = inside(requests.get(items).json()["features"][0]["geometry"])
    photo.open(f"viewer#map=13.4/{lat}/{lon + 0.006}&layers={old}-classMap:0.6,{zones}-zones:1,{zones}-mines:1&radius=6000")
    box = photo.page.locator("#maps").bounding_box()
    photo.click(0.5 - 0.006 / 360 * 512 * 2**13.4 / box["width"], 0.5)
    photo.take("page-zones")
    photo.open(f"viewer#layers={heat}-density:0.9,{zones}-zones:1,{zones}-mines:1")
    photo.take("page-heat")
    dates = requests.get(f"{server.url}/collections/ndre").json()["live"]["dates"]
    photo.open(f"viewer#layers=ndre:1:{dates[9]}&right=ndre&rightdate={dates[2]}")
    photo.take("page-live")
    photo.open(f"viewer#layers={old}-classMap:1&right={new}-classMap", 390, 780, dark=True)
    photo.click(0.3, 0.5)
    photo.take("page-map-phone")
    photo.open(f"jobs/{old}/results", 390, 780, dark=True)
    photo.take("page-results-phone")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", default=conftest.TARGET / "release" / "rededge", type=pathlib.Path)
    binary = arguments.parse_args().binary
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        home = pathlib.Path(home)
        first, second = county(binary, home, 2019), county(binary, home, 2020)
        config = f"""title = "Rice and mines"
[data.cubes]
county-2019 = "{first}/items.json"
county-2020 = "{second}/items.json"
[data.files]
samples-2019 = "{first}/samples-rice.geojson"
samples-2020 = "{second}/samples-rice.geojson"
mines = "{first}/mines.geojson"
stress-2019 = "{first}/truth-stress.tif"
[live.ndre]
title = "NDRE by date"
cube = "county-2019"
index = "NDRE"
"""
        server = conftest.Server(binary, home / "server", config)
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
            take_all(Photographer(browser.new_page(), server.url), server)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
