# SPDX-License-Identifier: GPL-2.0-or-later
"""From descriptions to algorithms."""

import json
from urllib.request import urlopen

import pytest
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
    QgsProcessingParameterDefinition,
    QgsProject,
    QgsRectangle,
    QgsReferencedRectangle,
    QgsUnitTypes,
)

from rededge import settings
from rededge.catalog import Catalog
from rededge.inputs import input_of
from rededge.parameters import InputError, Run

ADVANCED = QgsProcessingParameterDefinition.Flag.FlagAdvanced


def algorithm(provider, process):
    """The algorithm of a process."""
    return provider.algorithm(f"county.{process}")


def kinds(found):
    """Parameters by name with their type."""
    return {p.name(): p.type() for p in found.parameterDefinitions()}


def test_every_process_of_the_server_is_an_algorithm(provider, server):
    with urlopen(f"{server.url}/processes") as answer:
        listed = json.load(answer)["processes"]
    assert len(listed) >= 14
    found = {a.name(): a for a in provider.algorithms()}
    assert sorted(found) == sorted(f"county.{summary['id']}" for summary in listed)
    for summary in listed:
        made = found[f"county.{summary['id']}"]
        with urlopen(f"{server.url}/processes/{summary['id']}") as answer:
            description = json.load(answer)
        assert made.displayName() == description["title"]
        assert (made.group(), made.groupId()) == ("County", "county")
        names = set(kinds(made))
        for name in description["inputs"]:
            assert name in names or f"{name}_from" in names, f"{summary['id']}: {name}"
        outputs = {output.name() for output in made.outputDefinitions()}
        assert outputs >= {f"out_{name}" for name in description["outputs"]} | {"job"}
        for name, member in description["inputs"].items():
            assert member["description"].split()[0] in made.shortHelpString(), name
        created = made.create()
        assert kinds(created) == kinds(made)
        assert created.helpUrl().startswith(server.url)


def test_inputs_have_the_kind_unit_range_and_default_of_their_description(provider):
    zones = algorithm(provider, "stress-zones")
    found = kinds(zones)
    expected = {
        "stressMap": "raster",
        "stressMap_ref": "string",
        "probability": "raster",
        "mines": "source",
        "minimumMappingUnit": "number",
        "connectivity": "enum",
        "radius": "distance",
        "bands": "string",
        "dirtyRows": "enum",
        "out_zones": "vectorDestination",
        "out_mines": "vectorDestination",
        "out_summary": "fileDestination",
    }
    assert {name: found[name] for name in expected} == expected
    radius = zones.parameterDefinition("radius")
    assert radius.defaultUnit() == QgsUnitTypes.DistanceUnit.DistanceMeters
    assert (radius.minimum(), radius.maximum(), radius.defaultValue()) == (0, 20_040_000, 5000)
    assert zones.parameterDefinition("minimumMappingUnit").description() == "Minimum mapping unit (ha)"
    assert zones.parameterDefinition("connectivity").options() == ["4", "8"]
    assert zones.parameterDefinition("bands").defaultValue() == "1000.0, 2000.0, 3000.0, 5000.0"
    rice = kinds(algorithm(provider, "rice-map"))
    expected = {
        "cube": "string",
        "samples": "source",
        "model": "file",
        "area": "extent",
        "area_layer": "source",
        "dates_from": "datetime",
        "dem": "raster",
        "despike": "boolean",
        "out_classMap": "rasterDestination",
        "out_model": "fileDestination",
    }
    assert {name: rice[name] for name in expected} == expected
    report = algorithm(provider, "monitor").parameterDefinition("out_report")
    assert report.fileFilter() == "HTML files (*.html)"
    assert kinds(algorithm(provider, "index-series"))["out_table"] == "vectorDestination"


def test_optional_inputs_are_advanced_and_required_ones_are_not(provider):
    for made in provider.algorithms():
        for item in made.inputs:
            for definition in item.make():
                flags = made.parameterDefinition(definition.name()).flags()
                if definition.name().endswith("_ref"):
                    expected = item.optional or item.name == "cube"
                else:
                    expected = item.optional and not item.prominent
                assert bool(flags & ADVANCED) == expected, definition.name()


def read(member, given, catalog=None):
    """What an input of this description sends for what was given."""
    from rededge.algorithm import ProcessAlgorithm
    from rededge.settings import make_server

    server = make_server("Nowhere", "http://127.0.0.1:1")
    description = {"id": "p", "inputs": {"x": member}, "outputs": {}}
    made = ProcessAlgorithm(server, catalog or Catalog(server.url, []), description).create()
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    good, why = made.checkParameterValues(given, context)
    assert good, why
    return made.inputs[0].read(Run(made, given, context))


@pytest.mark.parametrize(
    "schema, given, sent",
    [
        ({"type": "number"}, {"x": 2.5}, 2.5),
        ({"type": "integer", "default": 3}, {"x": 7}, 7),
        ({"type": "integer"}, {"x": 5_000_000_000}, 5_000_000_000),
        ({"type": "number"}, {}, None),
        ({"type": "boolean"}, {"x": "no"}, False),
        ({"type": "boolean"}, {}, None),
        ({"type": "boolean", "default": True}, {"x": False}, False),
        ({"enum": [4, 8], "type": "integer"}, {"x": "8"}, 8),
        ({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}, {"x": ["b"]}, ["b"]),
        ({"type": "array", "items": {"type": "number"}}, {"x": "1, 2.5"}, [1.0, 2.5]),
        ({"type": "array", "items": {"type": "integer"}}, {"x": "[1, 2]"}, [1, 2]),
        ({"type": "array", "items": {"type": "string"}}, {"x": "NDRE, EVI"}, ["NDRE", "EVI"]),
        ({"type": "string"}, {"x": "abc"}, "abc"),
        ({"type": "string", "format": "date"}, {"x": "2019-05-01"}, "2019-05-01"),
        ({"type": "object"}, {"x": '{"a": [1]}'}, {"a": [1]}),
        ({"oneOf": [{"type": "string"}, {"type": "object"}]}, {"x": "word"}, "word"),
        ({"oneOf": [{"type": "string"}, {"type": "object"}]}, {"x": '{"a": 1}'}, {"a": 1}),
        (
            {"type": "object", "properties": {"type": {"enum": ["Point"]}}},
            {"x": "113.5,27.5 [EPSG:4326]"},
            {"type": "Point", "coordinates": [113.5, 27.5]},
        ),
    ],
)
def test_values_are_sent_as_the_schema_takes_them(schema, given, sent):
    member = {"title": "X", "schema": schema, "minOccurs": 0}
    assert read(member, given) == sent


def test_intervals_have_two_ends_and_either_may_be_open():
    days = {"type": "array", "maxItems": 2, "items": {"type": "string", "format": "date"}}
    member = {"schema": {"oneOf": [{"type": "string"}, days]}, "minOccurs": 0}
    assert read(member, {"x_from": "2019-04-01", "x_to": "2019-10-31"}) == "2019-04-01/2019-10-31"
    assert read(member, {"x_to": "2019-10-31"}) == "../2019-10-31"
    assert read(member, {}) is None


def test_extents_keep_a_projected_crs_and_become_longitude_and_latitude_else():
    crs = {"type": "object", "properties": {"bbox": {"type": "array"}, "crs": {"type": "string"}}}
    member = {"schema": crs, "minOccurs": 0}
    sent = read(member, {"x": "700000,701000,3080000,3081000 [EPSG:32649]"})
    assert sent == {"bbox": [700000, 3080000, 701000, 3081000], "crs": "EPSG:32649"}
    lon_lat = QgsReferencedRectangle(
        QgsRectangle(113, 27, 114, 28), QgsCoordinateReferenceSystem("EPSG:4326")
    )
    sent = read(member, {"x": lon_lat})
    assert sent["bbox"] == [113, 27, 114, 28] and sent["crs"].endswith("CRS84")
    plain = {"schema": {"type": "object", "format": "ogc-bbox", "properties": {"bbox": {}}}, "minOccurs": 0}
    sent = read(plain, {"x": "700000,701000,3080000,3081000 [EPSG:32649]"})
    assert list(sent) == ["bbox"] and 113 < sent["bbox"][0] < sent["bbox"][2] < 114


def test_schemas_of_other_servers_are_understood_too():
    catalog = Catalog("", [])
    features = {"schema": {"type": "object", "format": "geojson-feature-collection"}}
    raster = {"schema": {"type": "string", "contentMediaType": "image/tiff", "contentEncoding": "binary"}}
    many = {"schema": {"type": "string"}, "maxOccurs": "unbounded", "minOccurs": 1}
    found = [type(input_of("x", member, catalog)).__name__ for member in (features, raster, many)]
    assert found == ["FeaturesInput", "RasterInput", "ListInput"]


def test_what_cannot_be_sent_is_refused_with_the_name_of_the_input(provider):
    context = QgsProcessingContext()
    zones = algorithm(provider, "stress-zones")
    good, why = zones.checkParameterValues({}, context)
    assert not good and "Stress map" in why and "stressMap_ref" in why
    good, why = zones.checkParameterValues({"stressMap_ref": "x", "mines_ref": "y", "mines": "z"}, context)
    assert not good and "ines" in why
    with pytest.raises(InputError, match="no JSON"):
        read({"schema": {"type": "object"}, "minOccurs": 0}, {"x": "{"})
    with pytest.raises(InputError, match="no numbers"):
        read({"schema": {"type": "array", "items": {"type": "number"}}, "minOccurs": 0}, {"x": "1; 2"})


def test_a_description_that_is_not_understood_hides_no_other(provider, monkeypatch):
    from rededge import catalog

    kept = catalog.load(next(iter(settings.servers())))
    strange = {"id": "strange", "inputs": {"x": {"schema": {"type": "array", "items": 3}}}}
    monkeypatch.setattr(catalog, "load", lambda _: Catalog(kept.url, [strange, {}, *kept.processes]))
    provider.refreshAlgorithms()
    assert provider.algorithm("county.strange") is None
    assert len(provider.algorithms()) == len(kept.processes)


def test_data_that_the_server_has_is_given_by_name_or_as_anything_else_that_is_taken():
    link = {"type": "object", "properties": {"href": {"type": "string"}}}
    member = {"schema": {"oneOf": [{"type": "string"}, link, {"type": "array"}]}, "minOccurs": 1}
    catalog = Catalog("", [], [{"kind": "cube", "name": "here"}, {"kind": "features", "name": "mines"}])
    assert read(member, {"x": "here"}, catalog) == "here"
    assert read(member, {"x": "here", "x_ref": '["here", "there"]'}, catalog) == ["here", "there"]
    assert read(member, {"x": '{"href": "there"}'}) == {"href": "there"}, "where no names are known"


def test_several_servers_are_groups_and_ids_stay_apart(server, county, tmp_path):
    from conftest import plugin_with
    from county import Server

    with Server(tmp_path, name="Other place") as other, plugin_with(server, other) as provider:
        groups = {a.groupId(): a.group() for a in provider.algorithms()}
        assert groups == {"county": "County", "other_place": "Other place"}
        assert provider.algorithm("other_place.echo") is not None
        registry = QgsApplication.processingRegistry()
        assert registry.algorithmById("rededge:county.rice-map") is not None
