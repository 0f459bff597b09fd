"""birdy, which makes a Python function of every process: a real `rice-map` called like one."""

import birdy
import pytest


@pytest.fixture(scope="module")
def client(server):
    return birdy.WPSClient(f"{server.url}/wps")


@pytest.fixture(scope="module")
def patient(server):
    """A client that starts jobs and follows them."""
    return birdy.WPSClient(f"{server.url}/wps", progress=True)


def test_every_process_is_a_function_with_its_inputs(client):
    assert "samples" in client.rice_map.__doc__
    for name in ("rice_map", "stress_map", "stress_zones", "monitor", "echo"):
        assert callable(getattr(client, name)), name


def test_a_rice_map_is_started_followed_and_fetched(patient, rice_inputs):
    done = patient.rice_map(**rice_inputs)
    assert done.isSucceded(), [error.text for error in done.errors]
    found = done.get()
    assert found.classmap.startswith("http") and "/results/classMap" in found.classmap
    fetched = done.get(asobj=True)
    assert fetched.classmap[:2] in (b"II", b"MM"), "the GeoTIFF itself"


def test_values_come_back_as_they_went(client):
    # birdy 0.10 takes the CRS of a box that is not given for its value, and stumbles over it.
    found = client.echo(text="hello", number=2.5, bbox=None).get()
    assert (found.text, float(found.number)) == ("hello", 2.5)


def test_a_wrong_input_is_named(client):
    answer = client.rice_map(cube="no-such-cube", samples="samples")
    assert any("cube that this server offers" in error.text for error in answer.errors)
    assert [error.locator for error in answer.errors] == ["cube"]
