"""The OpenAPI document against the rules of OpenAPI 3.0."""

import requests
from openapi_spec_validator import OpenAPIV30SpecValidator


def test_the_document_is_valid_openapi_3_0(server):
    document = requests.get(f"{server.url}/api", timeout=30).json()
    assert document["openapi"].startswith("3.0")
    faults = [f"{list(e.absolute_path)}: {e.message}" for e in OpenAPIV30SpecValidator(document).iter_errors()]
    assert not faults, "\n".join(faults)


def test_every_route_that_a_link_leads_to_is_in_the_document(server):
    document = requests.get(f"{server.url}/api", timeout=30).json()
    landing = requests.get(server.url, timeout=30).json()
    for link in landing["links"]:
        if link["type"] == "text/html":
            continue  # pages are for people
        path = link["href"].removeprefix(server.url).split("?")[0] or "/"
        if path.startswith("/") and not path.startswith("/wps"):
            assert path in document["paths"], link
