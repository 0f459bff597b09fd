"""What a hostile caller sends, as requests of the soak: files that say what is not so, texts that are too deep,
connections that are held. Each must be answered, refused or cut off, and nothing else may come to harm."""

import base64
import collections
import json
import math
import pathlib
import random
import socket
import sqlite3
import struct
import tempfile
import threading
import time

# Vertices of a polygon that no map needs.
VERTICES = 300_000
# How long a connection is held that asks for nothing, seconds.
HELD = 30


def geopackage(change):
    """A GeoPackage of one table of points after a change of its schema."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a.gpkg"
        base = sqlite3.connect(path)
        base.executescript("""
            PRAGMA application_id = 1196444487; PRAGMA user_version = 10300;
            CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT,
                organization_coordsys_id INTEGER, definition TEXT, description TEXT);
            INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, 'undefined', '');
            CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, identifier TEXT, description TEXT,
                last_change TEXT, min_x REAL, min_y REAL, max_x REAL, max_y REAL, srs_id INTEGER);
            INSERT INTO gpkg_contents VALUES ('t', 'features', 't', '', '2024-01-01T00:00:00Z', 0, 0, 1, 1, 4326);
            CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT,
                srs_id INTEGER, z INTEGER, m INTEGER);
            INSERT INTO gpkg_geometry_columns VALUES ('t', 'geom', 'POINT', 4326, 0, 0);
            CREATE TABLE t (fid INTEGER PRIMARY KEY, geom BLOB);
        """)
        base.execute("PRAGMA writable_schema = ON")
        base.execute(change)
        base.commit()
        base.close()
        return path.read_bytes()


def virtual_table():
    return geopackage("UPDATE sqlite_master SET sql = "
                      "'CREATE VIRTUAL TABLE t USING VirtualText(''/etc/passwd'', UTF-8, 0, COMMA, DOUBLEQUOTE, '','')',"
                      " rootpage = 0 WHERE name = 't'")


def row_without_sql():
    return geopackage("UPDATE sqlite_master SET sql = NULL WHERE name = 't'")


def sparse_tiff(side=200_000):
    """A GeoTIFF of so many pixels a side, of which none is stored: some hundred bytes."""
    tags = [
        (256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 1), (262, 3, 1), (277, 3, 1),
        (322, 3, 32768), (323, 3, 32768), (324, 4, 0), (325, 4, 0),
    ]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(tags)) + entries + b"\0" * 4


def flatgeobuf():
    """A FlatGeobuf whose header is said to be 4 GB long."""
    return b"fgb\x03fgb\x01" + struct.pack("<I", 0xFFFF_FFF0) + b"\0" * 64


def polygon():
    ring = [[113 + 0.1 * math.cos(k * math.tau / VERTICES), 27.9 + 0.1 * math.sin(k * math.tau / VERTICES)] for k in range(VERTICES)]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def link(bytes_, media_type):
    return {"href": f"data:{media_type};base64,{base64.b64encode(bytes_).decode()}", "type": media_type}


class Hostile:
    """Requests of a hostile caller to a server."""

    def __init__(self, server):
        self.server, self.random = server, random.Random(11)
        self.lock, self.counts = threading.Lock(), collections.Counter()
        uploads = {
            "a virtual table": ("mine-heatmap", {"mines": link(virtual_table(), "application/geopackage+sqlite3")}),
            "a table without SQL": ("mine-heatmap", {"mines": link(row_without_sql(), "application/geopackage+sqlite3")}),
            "a sparse giant": ("stress-zones", {"stressMap": link(sparse_tiff(), "image/tiff")}),
            "a false length": ("mine-heatmap", {"mines": link(flatgeobuf(), "application/flatgeobuf")}),
            "many vertices": ("mine-heatmap", {"mines": polygon()}),
        }
        self.uploads = {name: (process, json.dumps({"inputs": inputs})) for name, (process, inputs) in uploads.items()}

    def any(self):
        with self.lock:
            name = self.random.choice([*self.uploads, "deep CQL2", "a foreign host", "a foreign origin"])
            self.counts[name] += 1
        if name in self.uploads:
            process, body = self.uploads[name]
            headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
            return "POST", f"/processes/{process}/execution", {"data": body, "headers": headers}
        if name == "deep CQL2":
            deep = "(" * 3000 + "code=1" + ")" * 3000
            return "GET", f"/collections/samples/items?filter={deep}", {}
        if name == "a foreign host":
            return "GET", "/jobs", {"headers": {"Host": "evil.example"}}
        body = json.dumps({"inputs": {"text": "from elsewhere"}})
        headers = {"Content-Type": "application/json", "Origin": "https://evil.example"}
        return "POST", "/processes/echo/execution", {"data": body, "headers": headers}

    def hold(self, stop, count=100):
        """Holds connections until it is told to stop: most ask for nothing, some send a head by single bytes."""
        host, port = self.server.url.removeprefix("http://").split(":")
        head = f"GET /jobs HTTP/1.1\r\nHost: {host}:{port}\r\nX-Slow: ".encode()
        while not stop.is_set():
            held, until = [], time.monotonic() + HELD
            for _ in range(count):
                try:
                    held.append(socket.create_connection((host, int(port)), timeout=2))
                except OSError:
                    # The server is being killed, or has no place: that is for the others to notice.
                    break
            with self.lock:
                self.counts["held connections"] += len(held)
            sent = 0
            while time.monotonic() < until and not stop.wait(0.5):
                for slow in held[:20]:
                    try:
                        slow.send(head[sent : sent + 1] or b"x")
                    except OSError:
                        pass
                sent += 1
            for connection in held:
                connection.close()
