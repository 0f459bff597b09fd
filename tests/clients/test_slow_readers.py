"""Clients that take an answer too slowly are cut off, and others are not: by sockets with the small segments of
a real network, as the loopback hands over megabytes at once."""

import os
import pathlib
import socket
import time
import urllib.parse

import pytest
import requests

# Twice what a client of a byte a second can be given: buffers of the system at 16 kB a second, and the limit.
LONGEST = 90


@pytest.fixture(scope="module")
def patient(serve):
    """A server that gives a second, and the path of a result of 8 MB."""
    server = serve("[limits]\nclient_seconds = 1\n")
    text = {"inputs": {"text": "x" * (8 << 20)}, "outputs": {"text": {"transmissionMode": "reference"}}}
    answer = requests.post(f"{server.url}/processes/echo/execution", json=text, timeout=60)
    assert answer.status_code == 204, answer.text
    return server, urllib.parse.urlsplit(answer.links["text"]["url"]).path


def ask(server, path):
    """A connection on which an answer comes."""
    host, port = server.url.removeprefix("http://").split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    client.connect((host, int(port)))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
    return client


def taken(client, size, pause):
    """What a client gets that reads so many bytes, then pauses; and how long it was served."""
    start, got = time.monotonic(), 0
    client.settimeout(5)
    while time.monotonic() - start < LONGEST:
        try:
            part = client.recv(size)
        except ConnectionResetError:
            break
        if not part:
            break
        got += len(part)
        time.sleep(pause)
    return got, time.monotonic() - start


def cut_off(server):
    return server.log.read_text().count("too slowly")


def sockets(server):
    """How many sockets the server has open."""
    return sum(os.readlink(fd).startswith("socket:") for fd in pathlib.Path(f"/proc/{server.pid}/fd").iterdir())


def test_who_reads_a_byte_a_second_is_cut_off_and_others_are_served(patient):
    server, path = patient
    known, few = cut_off(server), sockets(server)
    slow = [ask(server, path) for _ in range(20)]
    start = time.monotonic()
    while cut_off(server) < known + len(slow):
        assert time.monotonic() - start < LONGEST, f"{cut_off(server) - known} of {len(slow)} are cut off"
        for client in slow:
            assert client.recv(1), "what lies in its own buffer is a client's to read"
        assert requests.get(f"{server.url}/health", timeout=5).status_code == 200
        time.sleep(1)
    print(f"cut off after {time.monotonic() - start:.0f} s")
    until = time.monotonic() + 15
    while sockets(server) > few + 2:
        assert time.monotonic() < until, f"{few} sockets were open before, {sockets(server)} are now"
        time.sleep(0.5)
    for client in slow:
        client.close()


def test_who_does_not_read_at_all_is_cut_off(patient):
    server, path = patient
    known = cut_off(server)
    client = ask(server, path)
    start = time.monotonic()
    while cut_off(server) == known:
        assert time.monotonic() - start < LONGEST, "it is served for ever"
        time.sleep(0.5)
    client.close()


def test_who_reads_slowly_and_keeps_the_pace_gets_all(patient):
    server, path = patient
    got, lasted = taken(ask(server, path), 64 << 10, 0.001)
    assert got > 8 << 20, "the head and all of the body"
    # More slowly than the limit gives time for all at once: 512 kB in some ten seconds.
    client, part = ask(server, path), 0
    start = time.monotonic()
    while part < 512 << 10:
        part += len(client.recv(4096)) or pytest.fail(f"cut off after {time.monotonic() - start:.1f} s")
        time.sleep(0.07)
    assert time.monotonic() - start > 5
    client.close()


def test_a_connection_that_is_kept_open_answers_again_and_a_slow_server_is_not_the_clients_fault(patient):
    server, _ = patient
    with requests.Session() as session:
        for pause in (0, 3):
            time.sleep(pause)
            assert session.get(f"{server.url}/processes", timeout=5).status_code == 200
        long = {"inputs": {"text": "slow", "pause": 4}}
        answer = session.post(f"{server.url}/processes/echo/execution", json=long, timeout=30)
        assert answer.status_code == 200 and answer.json() == "slow"
