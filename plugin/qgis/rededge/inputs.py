# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kind of input a description speaks of."""

from . import dates, layers, parameters
from .parameters import alternatives, metadata_of

GEOJSON = ("geojson-feature-collection", "geojson-feature", "geojson-geometry")


def inputs_of(description, catalog):
    """The inputs of a process, in their order."""
    return [input_of(name, member, catalog) for name, member in description.get("inputs", {}).items()]


def input_of(name, member, catalog):
    """The input that a member of a description is."""
    schema = member["schema"]
    if member.get("maxOccurs", 1) != 1:
        schema = {"type": "array", "items": schema}
    shapes = alternatives(schema)
    held = metadata_of(member, "media-type") or held_by(shapes)
    if held:
        kind = file_input(held)
        return kind(name, member, schema, catalog.names(*kind.kinds))
    box = next((shape for shape in shapes if is_box(shape)), None)
    if box:
        polygons = any(is_geojson(shape) for shape in shapes)
        return layers.ExtentInput(name, member, box, polygons)
    if any(is_interval(shape) for shape in shapes):
        return dates.IntervalInput(name, member, schema)
    if len(shapes) == 1:
        return single(name, member, shapes[0])
    plain = any(shape.get("type") == "string" for shape in shapes)
    if plain and any("href" in shape.get("properties", {}) for shape in shapes):
        return parameters.NamedInput(name, member, schema, catalog.names("cube"))
    return parameters.JsonInput(name, member, schema, plain)


def single(name, member, shape):
    """The input of a schema that takes one shape."""
    kind = shape.get("type")
    if shape.get("contentEncoding") == "base64":
        return layers.BytesInput(name, member, shape)
    if shape.get("enum"):
        return parameters.ChoiceInput(name, member, shape)
    if kind in ("number", "integer"):
        return parameters.NumberInput(name, member, shape)
    if kind == "boolean":
        return parameters.FlagInput(name, member, shape)
    if kind == "string":
        if shape.get("format") in ("date", "date-time"):
            return dates.DateInput(name, member, shape)
        return parameters.TextInput(name, member, shape)
    if is_point(shape):
        return layers.PointInput(name, member, shape)
    if kind == "array":
        items = shape.get("items", {})
        if items.get("enum"):
            return parameters.ChoiceInput(name, member, shape)
        if items.get("type") in ("string", "number", "integer"):
            return parameters.ListInput(name, member, shape)
    return parameters.JsonInput(name, member, shape)


def file_input(media_type):
    """The kind of input that a file of this media type is."""
    if media_type.startswith("image/"):
        return layers.RasterInput
    return layers.FeaturesInput if media_type.startswith("application/geo+json") else layers.DocumentInput


def held_by(shapes):
    """The media type that shapes without metadata speak of, where it is one of files; generic
    servers say so in the schema.
    """
    for shape in shapes:
        if shape.get("format") == "geojson-feature-collection":
            return "application/geo+json"
        media_type = shape.get("contentMediaType", "")
        if media_type and shape.get("contentEncoding") != "base64":
            return media_type
    return ""


def is_box(shape):
    """Whether a shape is a bounding box."""
    return shape.get("format") == "ogc-bbox" or "bbox" in shape.get("properties", {})


def is_interval(shape):
    """Whether a shape is a first and a last day."""
    items = shape.get("items", {}) if shape.get("type") == "array" else {}
    return items.get("format") == "date" and shape.get("maxItems") == 2


def is_point(shape):
    """Whether a shape is a point of GeoJSON."""
    return shape.get("properties", {}).get("type", {}).get("enum") == ["Point"]


def is_geojson(shape):
    """Whether a shape is a geometry or features of GeoJSON."""
    kinds = shape.get("properties", {}).get("type", {}).get("enum") or []
    return shape.get("format") in GEOJSON or "Polygon" in kinds
