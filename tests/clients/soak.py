"""A soak: mixed load on a server of its own over the loopback, `kill -9` in the middle of a `rice-map`, then
everything is looked at: no job lost, no half file, memory flat. Jobs, and beside them what people look at: tiles of
all kinds, features, downloads in parts, maps that are drawn live and maps that grow; every answer is opened
(`looks.py`). A share of the requests is hostile, and connections are held all the time (`hostile.py`).
`make soak`; figures go to standard output as Markdown."""

import argparse
import collections
import hashlib
import json
import pathlib
import random
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time

import conftest
import hostile
import looks
import requests

FINAL = {"successful", "failed", "dismissed"}
INTERRUPTED = "the server stopped while it ran"
POINT = {"type": "Point", "coordinates": [113.0, 27.9]}
EXECUTE_2 = """<wps:Execute xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0"
service="WPS" version="2.0.0" mode="async" response="document"><ows:Identifier>echo</ows:Identifier>
<wps:Input id="text"><wps:Data>%s</wps:Data></wps:Input></wps:Execute>"""


class Soak:
    """What was sent, answered and accepted."""

    def __init__(self, server, rate, seed):
        self.server, self.rate, self.random = server, rate, random.Random(seed)
        self.lock = threading.Lock()
        self.statuses, self.kinds = collections.Counter(), collections.Counter()
        self.jobs, self.dismissed = {}, set()
        self.faults, self.unanswered = [], 0
        self.times, self.looked, self.memory = [], [], []
        self.stop = threading.Event()
        self.looks, self.growing = looks.Looks(server, self.word), {}
        self.hostile = hostile.Hostile(server)

    def word(self):
        with self.lock:
            return f"{self.random.getrandbits(64):016x}"

    def any_job(self):
        with self.lock:
            return self.random.choice(list(self.jobs)) if self.jobs else None

    # One kind of request each: they give method, path and arguments of `requests`.

    def execute(self, process, inputs, prefer="respond-async", **more):
        body = {"inputs": inputs, "response": "document", **more}
        headers = {"Prefer": prefer, "Content-Type": "application/json"}
        return "POST", f"/processes/{process}/execution", {"data": json.dumps(body), "headers": headers}

    def later(self):
        return self.execute("echo", {"text": self.word(), "list": [1, 2, 3]})

    def now(self):
        return self.execute("echo", {"text": self.word()}, prefer="")

    def pausing(self):
        return self.execute("echo", {"text": self.word(), "pause": 1.0})

    def heatmap(self):
        place = [113 + int(self.word()[:4], 16) / 1e6, 27.9]
        return self.execute("mine-heatmap", {"mines": {**POINT, "coordinates": place}, "bandwidth": 500})

    def rice(self):
        inputs = {"cube": "county", "samples": "samples", "resolution": 20, "seed": int(self.word()[:6], 16)}
        return self.execute("rice-map", inputs)

    def growing_map(self):
        process, inputs = self.random.choice([
            ("rice-map", {"cube": "county", "samples": "samples", "resolution": 20, "seed": int(self.word()[:6], 16)}),
            ("mine-heatmap", {"mines": {**POINT, "coordinates": [113 + int(self.word()[:4], 16) / 1e6, 27.9]}}),
        ])
        method, path, more = self.execute(process, inputs)
        return method, f"{path}?response=collection", {**more, "allow_redirects": False}

    def grown(self):
        """A look at a map that grows, or has grown; another tile each time."""
        with self.lock:
            known = list(self.growing)
        return self.looks.of_a_job(self.random.choice(known) if known else "none")

    def look(self):
        return self.looks.any()

    def status(self):
        return "GET", f"/jobs/{self.any_job() or 'none'}", {}

    def results(self):
        return "GET", f"/jobs/{self.any_job() or 'none'}/results", {}

    def listing(self):
        return "GET", "/jobs?limit=50&status=successful,running", {}

    def dismiss(self):
        job = self.any_job()
        with self.lock:
            self.dismissed.add(job)
        return "DELETE", f"/jobs/{job or 'none'}", {}

    def by_query(self):
        return "GET", f"/processes/echo/execution?text={self.word()}&response[prefer]=respond-async", {}

    def wps(self):
        if int(self.word()[0], 16) % 2:
            return "POST", "/wps", {"data": EXECUTE_2 % self.word(), "headers": {"Content-Type": "text/xml"}}
        query = "service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=text="
        return "GET", f"/wps?{query}{self.word()}", {}

    def bad(self):
        headers = {"Content-Type": "application/json"}
        post = "/processes/echo/execution"
        return [
            ("POST", post, {"data": "{", "headers": headers}),
            ("POST", post, {"data": '{"inputs": {"text": 7}}', "headers": headers}),
            ("POST", post, {"data": "<a/>", "headers": {"Content-Type": "text/xml"}}),
            self.execute("rice-map", {"cube": "../../etc/passwd", "samples": "samples"}),
            self.execute("mine-heatmap", {"mines": {"type": "FeatureCollection", "features": []}}),
            self.execute("no-such-process", {}),
            ("GET", "/jobs?limit=-1", {}),
            ("GET", "/jobs/../../secret", {}),
            ("POST", "/wps", {"data": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}),
            ("GET", "/wps?service=WPS&request=Execute", {}),
        ][int(self.word()[:2], 16) % 10]

    def attack(self):
        return self.hostile.any()

    MIX = [
        ("later", 22), ("now", 10), ("pausing", 6), ("heatmap", 2), ("rice", 0.6), ("status", 22), ("results", 9),
        ("listing", 5), ("dismiss", 6), ("by_query", 4), ("wps", 6), ("bad", 8),
        ("look", 60), ("growing_map", 0.5), ("grown", 12), ("attack", 5),
    ]

    def send(self, session, kind):
        method, path, arguments = getattr(self, kind)()
        begin = time.monotonic()
        try:
            answer = session.request(method, self.server.url + path, timeout=70, **arguments)
        except requests.RequestException:
            with self.lock:
                self.unanswered += 1
            return
        took = time.monotonic() - begin
        job = None
        if answer.status_code == 201:
            job = answer.json()["jobID"]
        elif kind == "growing_map" and answer.status_code == 303:
            job = answer.links["monitor"]["url"].rsplit("/", 1)[1]
            with self.lock:
                self.growing[answer.headers["Location"].rsplit("/", 1)[1]] = job
        elif kind == "wps" and "StatusInfo" in answer.text:
            job = re.search("JobID>([^<]+)<", answer.text).group(1)
        wrong = looks.wrong(answer) if kind in ("look", "grown") else None
        with self.lock:
            if wrong:
                self.faults.append(f"{method} {path}: {wrong}")
            self.statuses[answer.status_code] += 1
            self.kinds[kind] += 1
            if kind == "look":
                self.looked.append(took)
            elif kind not in ("now", "pausing"):
                self.times.append(took)
            if job:
                self.jobs[job] = kind
            busy = answer.status_code == 503 and "Retry-After" in answer.headers
            interrupted = answer.status_code == 503 and INTERRUPTED in answer.text
            if answer.status_code >= 500 and not busy and not interrupted:
                self.faults.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")

    def kill_in_a_map(self):
        """Kills the server while it runs a `rice-map`, and starts it again. Gives the job."""
        session = requests.Session()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            method, path, more = self.rice()
            answer = session.request(method, self.server.url + path, timeout=60, **more)
            if answer.status_code != 201:
                time.sleep(0.1)
                continue
            job, status = answer.json()["jobID"], "accepted"
            with self.lock:
                self.jobs[job] = "rice"
            while status == "accepted":
                status = session.get(f"{self.server.url}/jobs/{job}", timeout=60).json()["status"]
            if status == "running":
                self.server.stop(signal.SIGKILL)
                self.server.start()
                return job
        raise RuntimeError("no rice-map ran for two minutes")

    def worker(self, number, workers):
        session = requests.Session()
        chooser = random.Random(number)
        kinds, weights = zip(*self.MIX)
        due = time.monotonic()
        while not self.stop.is_set():
            self.send(session, chooser.choices(kinds, weights)[0])
            due += workers / self.rate
            self.stop.wait(max(0.0, due - time.monotonic()))
            due = max(due, time.monotonic() - 1)

    def watch(self):
        while not self.stop.wait(2):
            try:
                text = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
            except OSError:
                continue
            # One that is being killed has none left.
            if resident := re.search(r"VmRSS:\s+(\d+)", text):
                self.memory.append((time.monotonic(), self.server.pid, int(resident[1]) / 1024))


def check_jobs(soak):
    """Every job that was ever accepted is known and over; what is successful has its results."""
    counts, wrong = collections.Counter(), []
    session = requests.Session()
    deadline = time.monotonic() + 300
    for job, kind in soak.jobs.items():
        while True:
            answer = session.get(f"{soak.server.url}/jobs/{job}", timeout=30)
            if answer.status_code != 200:
                wrong.append(f"{job} ({kind}) is lost: {answer.status_code}")
                break
            told = answer.json()
            if told["status"] in FINAL:
                counts[told["status"]] += 1
                good = told["status"] == "successful" or (told["status"] == "dismissed" and job in soak.dismissed)
                if told["status"] == "failed" and told["message"] == INTERRUPTED:
                    counts["of these failed by the kill"] += 1
                elif not good and kind not in ("bad", "attack"):
                    wrong.append(f"{job} ({kind}): {told['status']}, {told['message']}")
                if told["status"] == "successful":
                    results = session.get(f"{soak.server.url}/jobs/{job}/results", timeout=30)
                    if results.status_code != 200:
                        wrong.append(f"{job}: its results answer {results.status_code}")
                break
            if time.monotonic() > deadline:
                wrong.append(f"{job} ({kind}) is still {told['status']}")
                break
            time.sleep(0.05)
    return counts, wrong


def check_files(folder):
    """Every folder of results is whole: each file of its manifest is there with its hash, and no other is."""
    whole, wrong = 0, []
    for entry in sorted(folder.iterdir()):
        manifest = entry / "manifest.json"
        if not manifest.is_file():
            wrong.append(f"{entry.name} has no manifest")
            continue
        files = json.loads(manifest.read_text())["files"]
        for name, told in files.items():
            path = entry / name
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != told["sha256"]:
                wrong.append(f"{entry.name}/{name} is not what its manifest says")
        whole += 1
    return whole, wrong


def flat(memory, pid):
    """Median of memory in the second tenth and in the last tenth of a process's time, in MiB."""
    own = [mebibytes for _, p, mebibytes in memory if p == pid]
    tenth = max(1, len(own) // 10)
    return statistics.median(own[tenth : 2 * tenth]), statistics.median(own[-tenth:]), max(own)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--rate", type=float, default=40, help="requests a second")
    arguments.add_argument("--workers", type=int, default=6)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--binary", default=conftest.TARGET / "release" / "rededge", type=pathlib.Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(home)
        county = home / "county"
        size = ["--width", "200", "--height", "200", "--dates", "12", "--seed", "7"]
        subprocess.run([given.binary, "simulate", county, *size], check=True, capture_output=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            listen = f"127.0.0.1:{free.getsockname()[1]}"
        data = f'[data.cubes]\ncounty = "{county}/items.json"\n[data.files]\nsamples = "{county}/samples-rice.geojson"\n'
        data += f'mines = "{county}/mines.geojson"\ntruth = "{county}/truth-rice.tif"\n'
        data += '[live.ndre]\ncube = "county"\nindex = "NDRE"\n'
        config = "[jobs]\nworkers = 2\nwaiting = 200\nsynchronous_seconds = 5\n" + data
        # Caches that are full soon, so that memory is seen to stay, and what is dropped is drawn again.
        config += "[maps]\ntile_megabytes = 4\nblock_megabytes = 8\nlive_megabytes = 8\n"
        server = conftest.Server(given.binary, home / "server", config, listen=listen)
        soak = Soak(server, given.rate, given.seed)
        soak.looks.prepare()
        threads = [threading.Thread(target=soak.worker, args=(n, given.workers)) for n in range(given.workers)]
        threads.append(threading.Thread(target=soak.watch))
        threads.append(threading.Thread(target=soak.hostile.hold, args=(soak.stop,)))
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        time.sleep(given.minutes * 30)
        first = server.pid
        accepted = len(soak.jobs)
        cut = soak.kill_in_a_map()
        down = time.monotonic()
        time.sleep(max(0, begin + given.minutes * 60 - down))
        soak.stop.set()
        for thread in threads:
            thread.join()
        lasted = time.monotonic() - begin
        counts, wrong = check_jobs(soak)
        answer = requests.get(f"{server.url}/jobs/{cut}", timeout=30).json()
        cut = f"{answer['status']}, {answer['message']}"
        whole, torn = check_files(server.folder / "store" / "results")
        halves = [flat(soak.memory, first), flat(soak.memory, server.pid)]
        server.stop()
    wrong += torn + soak.faults
    rising = [f"memory rose from {a:.0f} to {b:.0f} MiB" for a, b, _ in halves if b > 1.25 * a + 16]
    times = sorted(soak.times)
    looked = sorted(soak.looked) or [0]
    sent = sum(soak.statuses.values())
    rows = [
        ("lasted", f"{lasted:.0f} s, `kill -9` in a `rice-map` after {given.minutes * 30:.0f} s: that is {cut}"),
        ("hostile requests", ", ".join(f"{what}: {count}" for what, count in sorted(soak.hostile.counts.items()))),
        ("requests answered", f"{sent} ({sent / lasted:.0f} a second), unanswered around the kill: {soak.unanswered}"),
        ("by status", ", ".join(f"{status}: {count}" for status, count in sorted(soak.statuses.items()))),
        ("time to answer, without synchronous calls", f"median {times[len(times) // 2] * 1000:.1f} ms, 99 % {times[len(times) * 99 // 100] * 1000:.0f} ms"),
        ("looks at maps and features, each opened", f"{len(looked)}, median {looked[len(looked) // 2] * 1000:.1f} ms, 99 % {looked[len(looked) * 99 // 100] * 1000:.0f} ms; {', '.join(f'{kind} {count}' for kind, count in sorted(soak.looks.counts.items()))}"),
        ("maps seen while they grew", str(len(soak.growing))),
        ("jobs accepted", f"{len(soak.jobs)} ({accepted} before the kill)"),
        ("how they stand", ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()))),
        ("folders of results, all files with their hashes", str(whole)),
        ("memory before the kill (MiB)", "{:.0f} at first, {:.0f} at last, most {:.0f}".format(*halves[0])),
        ("memory after it (MiB)", "{:.0f} at first, {:.0f} at last, most {:.0f}".format(*halves[1])),
        ("lost jobs, half files, failures", str(len(wrong))),
    ]
    print("| what | figure |\n|---|---|")
    for name, figure in rows:
        print(f"| {name} | {figure} |")
    for line in (wrong + rising)[:40]:
        print(line)
    raise SystemExit(1 if wrong or rising else 0)


if __name__ == "__main__":
    main()
