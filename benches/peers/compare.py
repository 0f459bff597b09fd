"""Runs rededge and its Python peers on the same work, in turn, and prints ratios of medians.

usage: compare.py [--peers ../shared/peers] [--runs 3] [--width 2508 --height 2979 --dates 20] [--threads 2] [--binary FILE] [--tile] [--only zones,network] [--write]

The scene is [J]'s job (2508 x 2979 pixels, 20 dates), simulated once below target/bench-peers. The
peers' virtual environment is made there too, from their requirements.txt. --tile adds a whole
Sentinel-2 tile of 10980 x 10980 pixels, rededge alone (6 GB of disk). --only runs some of job,
methods, network, boosting, zones, tiles and live (which has no peer). --write puts the tables into docs/benchmarks.md, in place of
those of the same names. Machines differ and are noisy: only the ratios mean something."""
import argparse
import datetime
import functools
import http.client
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/benchmarks.md"
BEGIN, END = "<!-- bench-peers: begin -->", "<!-- bench-peers: end -->"
NEEDED = r"numpy|scipy|scikit-learn|lightgbm|pyts|dtaidistance|rasterio|onnx|torch"
MORE = ["geopandas", "torch"]
PARTS = ["job", "methods", "network", "boosting", "zones", "tiles", "live"]
TILE_SERVER = r"titiler|uvicorn"


def arguments():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--peers", type=Path, default=ROOT / "../shared/peers")
    a.add_argument("--runs", type=int, default=3)
    a.add_argument("--width", type=int, default=2508)
    a.add_argument("--height", type=int, default=2979)
    a.add_argument("--dates", type=int, default=20)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--work", type=Path, help="folder of scenes and environment (default: target/bench-peers)")
    a.add_argument("--binary", type=Path, help="the rededge that is measured (default: that of the release build)")
    a.add_argument("--tile", action="store_true", help="map a whole tile too, without a peer")
    a.add_argument("--only", default=",".join(PARTS), help="some of " + ",".join(PARTS))
    a.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    return a.parse_args()


def tell(text):
    print(f"[load {os.getloadavg()[0]:.1f}] {text}", file=sys.stderr, flush=True)


def run(command, threads, cwd=None):
    """Seconds, peak MiB and output of a command; the peak is of its largest process."""
    environment = os.environ | {name: str(threads) for name in ("OMP_NUM_THREADS", "GDAL_NUM_THREADS", "RAYON_NUM_THREADS")}
    start = time.perf_counter()
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=cwd)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} ended with {child.returncode}:\n{output}")
    return seconds, usage.ru_maxrss / 1024, output


def target_folder():
    metadata = subprocess.run(["cargo", "metadata", "--format-version=1", "--no-deps"], cwd=ROOT, capture_output=True, text=True, check=True)
    return Path(json.loads(metadata.stdout)["target_directory"])


def cpu():
    try:
        return re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        return platform.processor() or platform.machine()


class Measured:
    """Values of several runs under names; a name gives their median."""

    def __init__(self):
        self.values = {}

    def add(self, **values):
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def __getitem__(self, name):
        return statistics.median(self.values[name])


def row(what, theirs, ours, unit, digits=2):
    return f"| {what} | {theirs:.{digits}f} {unit} | {ours:.{digits}f} {unit} | **{theirs / ours:.1f}** |"


class Bench:
    def __init__(self, args):
        self.args = args
        if not (args.peers / "itsgbt.py").exists():
            sys.exit(f"{args.peers} has no itsgbt.py: pass --peers FOLDER (or make bench-peers PEERS=FOLDER)")
        target = target_folder()
        self.release = target / "release"
        self.work = args.work or target / "bench-peers"
        self.work.mkdir(parents=True, exist_ok=True)
        self.rededge = args.binary or self.release / "rededge"

    @functools.cached_property
    def python(self):
        return self.environment("venv", NEEDED, MORE)

    def environment(self, name, needed, more):
        python = self.work / name / "bin/python"
        if not python.exists():
            tell(f"making the peers' environment {name}")
            subprocess.run([sys.executable, "-m", "venv", self.work / name], check=True)
            # Only what is compared here.
            wanted = [line for line in (self.args.peers / "requirements.txt").read_text().split() if re.match(needed, line)]
            subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted, *more], check=True)
        return python

    def scene(self, width, height):
        folder = self.work / f"county-{width}x{height}x{self.args.dates}"
        if not folder.exists():
            tell(f"simulating {folder.name}")
            size = ["--width", str(width), "--height", str(height), "--dates", str(self.args.dates)]
            subprocess.run([self.rededge, "simulate", folder, *size, "--bands", "ndre", "--quiet"], check=True)
        return folder

    def map(self, scene, more):
        """Seconds, peak MiB, seconds of predictors and scoring, and the folder of results of one rice map."""
        # The same work as the peer: every date, as many rounds and leaves, no search, no validation.
        inputs = self.work / "inputs.json"
        outputs = {"classMap": {}} | ({"model": {}} if "samples" in more else {})
        inputs.write_text(json.dumps({"inputs": {"cube": str(scene / "items.json"), "maxCloudCover": 100} | more, "outputs": outputs}))
        out = self.work / "out"
        shutil.rmtree(out, ignore_errors=True)
        threads = self.args.threads
        command = [self.rededge, "run", "rice-map", inputs, "--out", out, "--threads", threads, "--log-format", "json"]
        seconds, peak, log = run(command, threads)
        score = float(re.search(r'"score_thread_seconds":([\d.e-]+)', log).group(1)) / threads
        return seconds, peak, score, out

    def training(self, scene):
        parameters = {"rounds": 100, "leaves": 31, "predictors": ["intervals", "coefficients"], "intervals": self.args.dates, "harmonics": 5, "rowFraction": 1, "columnFraction": 1}
        return {"samples": str(scene / "samples-rice.geojson"), "timeGrid": "acquisitions", "despike": False, "parameters": parameters}

    def job(self):
        """The rice paper's job against numpy and LightGBM."""
        args = self.args
        scene = self.scene(args.width, args.height)
        m = Measured()
        for k in range(args.runs):
            tell(f"job, run {k + 1} of {args.runs}")
            seconds, peak, _, out = self.map(scene, self.training(scene))
            m.add(whole=seconds, peak=peak)
            model = shutil.copy(out / "model.json", self.work / "model.json")
            seconds, _, score, _ = self.map(scene, {"model": str(model)})
            m.add(map=seconds, score=score)
            command = [self.python, args.peers / "itsgbt.py", scene, scene / "samples-rice.geojson", self.work / "peer.tif", "--threads", args.threads]
            seconds, peak, output = run(command, args.threads, cwd=args.peers)
            told = {name: float(value) for name, value in re.findall(r"(predictors|predict|map total) ([\d.]+)", output)}
            m.add(their_whole=seconds, their_peak=peak, their_map=told["map total"], their_score=told["predictors"] + told["predict"])
        lines = [
            f"### The job: {args.width} x {args.height} pixels, {args.dates} dates\n",
            "| what | numpy + LightGBM | rededge | ratio |",
            "|---|---|---|---|",
            row("training and map, GeoTIFFs to class map", m["their_whole"], m["whole"], "s"),
            row("map alone, with a trained model", m["their_map"], m["map"], "s"),
            row("predictors and scoring alone", m["their_score"], m["score"], "s"),
            row("peak memory", m["their_peak"], m["peak"], "MiB", 0),
            "",
        ]
        if args.tile:
            tile = self.scene(10980, 10980)
            tell("a whole tile")
            seconds, peak, _, out = self.map(tile, self.training(tile))
            model = shutil.copy(out / "model.json", self.work / "model.json")
            map_seconds, map_peak, _, _ = self.map(tile, {"model": str(model)})
            per = lambda s, width, height: f"{s / width / height * 1e6:.3f}"
            job, whole = (args.width, args.height), (10980, 10980)
            lines += [
                "| rededge alone | s | us per pixel | peak MiB |",
                "|---|---|---|---|",
                f"| {args.width} x {args.height}, training and map | {m['whole']:.1f} | {per(m['whole'], *job)} | {m['peak']:.0f} |",
                f"| {args.width} x {args.height}, map alone | {m['map']:.1f} | {per(m['map'], *job)} | |",
                f"| 10980 x 10980, training and map | {seconds:.1f} | {per(seconds, *whole)} | {peak:.0f} |",
                f"| 10980 x 10980, map alone | {map_seconds:.1f} | {per(map_seconds, *whole)} | {map_peak:.0f} |",
                "",
            ]
        return lines

    def methods(self):
        """Series in memory: the rivals of the rice paper and a random forest."""
        args, m = self.args, Measured()
        pixels = {"tsrf": "tsrf: pyts", "dtw to 12 curves": "dtw to 12 curves: dtaidistance", "swv": "swv: scikit-learn", "forest of smartcore, fused": "forest: scikit-learn"}
        commands = {
            "ours": [self.release / "examples/series_methods", 20000, args.dates],
            "theirs": [self.python, args.peers / "series.py", 20000, args.dates],
            "forest": [self.python, ROOT / "benches/peers/forest.py", 200000, args.dates, args.threads],
        }
        for k in range(args.runs):
            tell(f"methods, run {k + 1} of {args.runs}")
            for command in commands.values():
                _, _, output = run(command, args.threads)
                m.add(**{name.strip(): float(value) for name, value in re.findall(r"^(\S.*?) +([\d.]+) us/pixel", output, re.M)})
        lines = ["### Series in memory: 20,000 pixels, 20 dates, per pixel\n", "| method | peer | rededge | ratio |", "|---|---|---|---|"]
        return lines + [row(f"`{ours}` against {theirs.split(': ')[1]}", m[theirs], m[ours], "us") for ours, theirs in pixels.items()] + [""]

    def network(self):
        """The network of stress: inference against the better of onnxruntime and PyTorch."""
        args, m = self.args, Measured()
        for k in range(args.runs):
            tell(f"network, run {k + 1} of {args.runs}")
            _, _, ours = run([self.release / "examples/gru_series", 200000, 33, args.threads], args.threads)
            _, _, theirs = run([self.python, args.peers / "gru.py", 200000, 33, args.threads], args.threads)
            m.add(**{name: float(value) for name, value in re.findall(r"^(\w+) (\d+) series/s", ours + theirs, re.M)})
        peers = {name: m[name] for name in ("onnxruntime", "pytorch") if name in m.values}
        lines = ["### The network of stress: 200,000 series of 8 indices and 33 steps\n", "| peer | series/s | rededge series/s | ratio |", "|---|---|---|---|"]
        return lines + [f"| {name} | {rate:.0f} | {m['rededge']:.0f} | **{m['rededge'] / rate:.1f}** |" for name, rate in peers.items()] + [""]

    def boosting(self):
        """Training against LightGBM."""
        args = self.args
        tell("training")
        scene = self.scene(args.width, args.height)
        command = [self.python, ROOT / "benches/peers/train.py", self.release / "examples/train_table", "--scene", scene, "--peers", args.peers, "--runs", str(args.runs)]
        _, _, output = run(command, args.threads)
        return ["### Training boosted trees\n", output.strip(), ""]

    def zones(self):
        """A million zones joined to mines against geopandas, and polygons against GDAL."""
        args, m = self.args, Measured()
        example = self.release / "examples/zones_join"
        small, large = self.work / "zones-1000", self.work / "zones-10980"
        script = ROOT / "benches/peers/zones.py"
        for k in range(args.runs):
            tell(f"zones, run {k + 1} of {args.runs}")
            for folder, more in ((small, [1000, 1000]), (large, [])):
                folder.mkdir(exist_ok=True)
                ours = json.loads(run([example, folder, *more], args.threads)[2])
                m.add(**{f"{name}_{ours['side']}": value for name, value in ours.items()})
            theirs = json.loads(run([self.python, script, "join", large], args.threads)[2])
            m.add(their_join=theirs["join_s"])
            # GDAL's own Python stands beside the system's interpreter.
            bare = json.loads(run(["/usr/bin/python3", script, "polygonize", small, 1000], args.threads)[2])
            m.add(their_polygons=bare["polygonize_s"])
        lines = [
            "### Zones and mines\n",
            "| what | peer | rededge | ratio |",
            "|---|---|---|---|",
            row(f"{m['zones_10980']:.0f} zones to the nearest of {m['mines_10980']:.0f} mines, against geopandas `sjoin_nearest`", m["their_join"], m["join_s_10980"], "s"),
            row(f"1000 x 1000 pixels to {m['zones_1000']:.0f} polygons, against GDAL {bare['gdal']} `Polygonize`", m["their_polygons"], m["polygonize_s_1000"], "s", 4),
            "",
            f"10980 x 10980 pixels to {m['zones_10980']:.0f} polygons: {m['polygonize_s_10980']:.1f} s; peak of polygons and join {m['peak_mib_10980']:.0f} MiB.",
            "",
        ]
        return lines

    def class_map(self):
        """A class map of the scene's size, as rice-map leaves it."""
        path = self.work / f"class-map-{self.args.width}x{self.args.height}.tif"
        if not path.exists():
            scene = self.scene(self.args.width, self.args.height)
            tell("mapping rice")
            *_, out = self.map(scene, self.training(scene))
            shutil.copy(out / "classMap.tif", path)
        return path

    def tiles(self):
        """Tiles of a class map against titiler, by HTTP, from the same load."""
        args, m = self.args, Measured()
        path = self.class_map()
        python = self.environment("venv-tiles", TILE_SERVER, [])
        info = json.loads(subprocess.run(["gdalinfo", "-json", path], capture_output=True, text=True, check=True).stdout)
        ring = info["wgs84Extent"]["coordinates"][0]
        west, east = min(p[0] for p in ring), max(p[0] for p in ring)
        south, north = min(p[1] for p in ring), max(p[1] for p in ring)
        place = [str(v) for v in (west, south, east, north, 10, 15)]
        # Without a cache of tiles, and with one.
        servers = {"ours": self.serve(path, 0), "kept": self.serve(path, 128)}
        port = free_port()
        command = [python, "-m", "uvicorn", "titiler.application.main:app", "--port", port, "--workers", "2", "--log-level", "error"]
        peer = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        look = f"url=file://{path}&colormap_name=viridis&rescale=0,3"
        urls = {name: f"{base}/tiles/map/{{z}}/{{x}}/{{y}}.png" for name, (_, base) in servers.items()}
        urls["theirs"] = f"http://127.0.0.1:{port}/cog/tiles/WebMercatorQuad/{{z}}/{{x}}/{{y}}.png?{look}"
        try:
            wait_for(urls["theirs"].replace("{z}/{x}/{y}", "0/0/0"))
            for k in range(args.runs + 1):
                for name, url in urls.items():
                    # The first round warms all of them up.
                    tell(f"tiles, {name}, run {k} of {args.runs}")
                    seconds = "10" if k else "3"
                    command = [python, args.peers / "tiles.py", url, *place, "--clients", "8", "--seconds", seconds]
                    output = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True).stdout
                    found = re.search(r"(\d+) different tiles, (\d+) tiles/s, p50 ([\d.]+) ms, p99 ([\d.]+) ms, mean (\d+) bytes, (\d+) errors", output)
                    count, rate, p50, p99, size, errors = map(float, found.groups())
                    if errors and name != "theirs":
                        sys.exit(f"{name}: {output}")
                    if k:
                        m.add(**{f"{name}_{what}": value for what, value in (("rate", rate), ("p50", p50), ("p99", p99), ("size", size), ("errors", errors))})
        finally:
            os.killpg(peer.pid, signal.SIGTERM)
            for child, _ in servers.values():
                child.terminate()
        lines = [
            f"### Tiles of a class map of {args.width} x {args.height} pixels over HTTP\n",
            "| what | titiler | rededge | ratio | rededge, tiles kept |",
            "|---|---|---|---|---|",
            f"| tiles/s, 8 clients | {m['theirs_rate']:.0f} | {m['ours_rate']:.0f} | **{m['ours_rate'] / m['theirs_rate']:.1f}** | {m['kept_rate']:.0f} |",
        ]
        for what in ("p50", "p99"):
            theirs, ours, kept = (m[f"{name}_{what}"] for name in ("theirs", "ours", "kept"))
            lines.append(f"| {what} | {theirs:.1f} ms | {ours:.1f} ms | **{theirs / ours:.1f}** | {kept:.1f} ms |")
        lines += [
            f"| bytes of a tile, mean | {m['theirs_size']:.0f} | {m['ours_size']:.0f} | | |",
            "",
            f"{count:.0f} different tiles of levels 10 to 15, asked for in turn by `tiles.py` on the same cores; titiler has two workers. Without kept tiles every tile is drawn and encoded anew; both sides keep decoded blocks.",
            "",
        ]
        return lines

    def live(self):
        """Rice tiles computed while they are looked at, beside tiles of the map that a job left."""
        args, m, clients = self.args, Measured(), 4
        scene = self.scene(args.width, args.height)
        model = self.work / "live-model.json"
        tell("training, and mapping rice by the model")
        shutil.copy(self.map(scene, self.training(scene))[-1] / "model.json", model)
        path = shutil.copy(self.map(scene, {"model": str(model)})[-1] / "classMap.tif", self.work / "live-map.tif")
        data = f'[data.cubes]\ncounty = "{scene / "items.json"}"\n[data.models]\nrice = "{model}"\n'
        data += f'[live.live]\ncube = "county"\nmodel = "rice"\nmax_cloud_cover = 100.0\n'
        for k in range(args.runs):
            # Each time a server that has computed and kept nothing.
            child, base = self.serve(path, 0, data)
            try:
                for layer in ("live", "map"):
                    tell(f"live, {layer}, run {k + 1} of {args.runs}")
                    tileset = json.loads(urllib.request.urlopen(f"{base}/collections/{layer}/map/tiles/WebMercatorQuad").read())
                    # Two levels beyond the one of the pixels themselves are listed.
                    limit = tileset["tileMatrixSetLimits"][-3]
                    rows = range(limit["minTileRow"], limit["maxTileRow"] + 1)
                    cols = range(limit["minTileCol"], limit["maxTileCol"] + 1)
                    tiles = [f"/tiles/{layer}/{limit['tileMatrix']}/{x}/{y}.png" for y in rows for x in cols]
                    # Each client walks over neighbouring tiles of its own part, and no tile is asked for twice.
                    share = -(-len(tiles) // clients)
                    start = time.perf_counter()
                    times = sorted(walk(base, [tiles[c * share : (c + 1) * share] for c in range(clients)]))
                    rate = len(times) / (time.perf_counter() - start)
                    m.add(**{f"{layer}_p50": times[len(times) // 2], f"{layer}_p99": times[int(len(times) * 0.99)], f"{layer}_rate": rate})
            finally:
                child.terminate()
                child.wait()
        lines = [
            f"### Live rice tiles of {args.width} x {args.height} pixels, {args.dates} dates\n",
            "| what | tiles of the job's map | live tiles | ratio |",
            "|---|---|---|---|",
        ]
        for what, unit in (("p50", "ms"), ("p99", "ms"), ("rate", "tiles/s")):
            ours, theirs = m[f"live_{what}"], m[f"map_{what}"]
            lines.append(f"| {what}, {clients} clients | {theirs:.1f} {unit} | {ours:.1f} {unit} | {max(ours / theirs, theirs / ours):.0f} |")
        lines += [
            "",
            f"{len(tiles)} different tiles of level {limit['tileMatrix']}, each asked for once of a server that has kept nothing, by {clients} clients that walk over neighbouring tiles. Scenes: simulated, B05 and B08 of 10 and 20 m with QA60, tiled and deflated.",
            "",
        ]
        return lines

    def serve(self, path, megabytes, more=""):
        """A server over the map that keeps so many megabytes of tiles, and its address."""
        folder = self.work / f"serve-{megabytes}"
        folder.mkdir(exist_ok=True)
        (folder / "rededge.toml").write_text(f'[data.files]\nmap = "{path}"\n[maps]\ntile_megabytes = {megabytes}\n{more}')
        command = [self.rededge, "serve", "--listen", "127.0.0.1:0", "--data", folder / "store", "--config", folder / "rededge.toml"]
        child = subprocess.Popen([str(c) for c in command], stderr=subprocess.PIPE, text=True, env=os.environ | {"REDEDGE_LOG_FORMAT": "text"})
        for line in child.stderr:
            if line.startswith("listening on "):
                threading.Thread(target=lambda: [None for _ in child.stderr], daemon=True).start()
                return child, line.removeprefix("listening on ").strip()
        sys.exit("rededge serve does not listen")


def walk(base, lists):
    """Milliseconds of every tile, each list by a client of its own over one connection."""
    times, wrong = [], []

    def client(paths):
        connection = http.client.HTTPConnection(base.removeprefix("http://"))
        for path in paths:
            start = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            times.append(1e3 * (time.perf_counter() - start))
            if answer.status != 200:
                wrong.append(f"{path}: {answer.status}")

    threads = [threading.Thread(target=client, args=(paths,)) for paths in lists]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    if wrong:
        sys.exit(f"tiles are not answered: {wrong[:3]}")
    return times


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url):
    """Until a server answers anything at all."""
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=30).read()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"{url} does not answer")


def main():
    args = arguments()
    args.peers = args.peers.resolve()
    bench = Bench(args)
    when = f"{datetime.date.today()}, {cpu()}, {args.threads} threads, medians of {args.runs} interleaved runs."
    sections = {}
    for part in PARTS:
        if part in args.only.split(","):
            lines = getattr(bench, part)()
            sections[lines[0].strip()] = "\n".join([lines[0], when, "", *lines[1:]]).rstrip()
    print("\n\n".join(sections.values()))
    if args.write:
        page = PAGE.read_text()
        if BEGIN not in page or END not in page:
            sys.exit(f"{PAGE} has no place for the tables ({BEGIN} .. {END})")
        head, rest = page.split(BEGIN, 1)
        old, rest = rest.split(END, 1)
        kept = {text.split("\n", 1)[0].strip(): text.strip() for text in re.split(r"^(?=### )", old, flags=re.M)}
        tables = "\n\n".join((kept | sections).values()).strip()
        PAGE.write_text(f"{head}{BEGIN}\n{tables}\n{END}{rest}")


main()
