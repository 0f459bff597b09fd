# SPDX-License-Identifier: GPL-2.0-or-later
"""From the inputs of a process's description to parameters of Processing, and back to the values that
a request holds. One class a kind of input; nothing here knows any process.
"""

import json

from qgis.core import (
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterDistance,
    QgsProcessingParameterEnum,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsUnitTypes,
)

ADVANCED = QgsProcessingParameterDefinition.Flag.FlagAdvanced
NUMBER = QgsProcessingParameterNumber.Type
METRES = {
    "m": QgsUnitTypes.DistanceUnit.DistanceMeters,
    "km": QgsUnitTypes.DistanceUnit.DistanceKilometers,
}


class InputError(Exception):
    """A value that cannot be sent, with the input's name."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name


class Run:
    """One run of an algorithm: where inputs read what they were given."""

    def __init__(self, algorithm, parameters, context, uploads=None):
        self.algorithm = algorithm
        self.parameters = parameters
        self.context = context
        self.uploads = uploads

    def has(self, name):
        """Whether anything was given."""
        return self.parameters.get(name) not in (None, "", [])

    def text(self, name):
        """A text, empty where none was given."""
        if not self.has(name):
            return ""
        return self.algorithm.parameterAsString(self.parameters, name, self.context).strip()


class Input:
    """An input of a process."""

    #: Whether an optional input of this kind is among the first things that a user sees.
    prominent = False

    def __init__(self, name, member, schema):
        self.name = name
        self.schema = schema
        self.title = member.get("title") or name
        self.help = member.get("description") or ""
        self.required = member.get("minOccurs", 1) > 0
        self.default = schema.get("default", member["schema"].get("default"))
        self.unit = metadata_of(member, "uom")

    @property
    def label(self):
        """The title with the unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def optional(self):
        """Whether the parameter may stay empty."""
        return not self.required

    def definitions(self):
        """The parameters of this input, with help, the optional ones advanced."""
        made = self.make()
        for definition in made:
            definition.setHelp(self.help)
            if self.optional and not self.prominent:
                definition.setFlags(definition.flags() | ADVANCED)
        return made

    def make(self):
        """The bare parameters."""
        raise NotImplementedError

    def fault(self, run):
        """What is wrong with what was given, as far as its parameters alone do not tell; or none."""
        return None

    def read(self, run):
        """The value for the request; none where the server's default shall hold."""
        raise NotImplementedError


class NumberInput(Input):
    """A number, whole or not; distances know their unit."""

    @property
    def label(self):
        """Distances have their unit in the widget."""
        return self.title if self.unit in METRES else super().label

    def make(self):
        low, high = self.schema.get("minimum"), self.schema.get("maximum")
        if self.unit in METRES:
            parameter = QgsProcessingParameterDistance(self.name, self.label, self.default, "", self.optional)
            parameter.setDefaultUnit(METRES[self.unit])
        else:
            kind = NUMBER.Integer if self.schema["type"] == "integer" else NUMBER.Double
            parameter = QgsProcessingParameterNumber(self.name, self.label, kind, self.default, self.optional)
        if low is not None:
            parameter.setMinimum(low)
        if high is not None:
            parameter.setMaximum(high)
        return [parameter]

    def read(self, run):
        if not run.has(self.name):
            return None
        value = run.algorithm.parameterAsDouble(run.parameters, self.name, run.context)
        return int(value) if self.schema["type"] == "integer" or value.is_integer() else value


class FlagInput(Input):
    """Yes or no. Without a default there is a third: as the server decides."""

    def make(self):
        if self.default is None and self.optional:
            words = ["yes", "no"]
            return [QgsProcessingParameterEnum(self.name, self.label, words, False, None, True, True)]
        return [QgsProcessingParameterBoolean(self.name, self.label, self.default, self.optional)]

    def read(self, run):
        if not run.has(self.name):
            return None
        given = run.parameters[self.name]
        if isinstance(given, str) and given in ("yes", "no"):
            return given == "yes"
        return run.algorithm.parameterAsBool(run.parameters, self.name, run.context)


class ChoiceInput(Input):
    """One of some words or numbers, or several of them."""

    def __init__(self, name, member, schema):
        super().__init__(name, member, schema)
        self.many = schema.get("type") == "array"
        allowed = schema["items"]["enum"] if self.many else schema["enum"]
        self.words = {str(value): value for value in allowed if value is not None}

    def make(self):
        default = self.default
        if self.many and default is not None:
            default = [str(value) for value in default]
        elif default is not None:
            default = str(default)
        words = list(self.words)
        return [
            QgsProcessingParameterEnum(self.name, self.label, words, self.many, default, self.optional, True)
        ]

    def read(self, run):
        if not run.has(self.name):
            return None
        read = run.algorithm.parameterAsEnumStrings if self.many else run.algorithm.parameterAsEnumString
        chosen = read(run.parameters, self.name, run.context)
        if self.many:
            return [self.words[word] for word in chosen] or None
        return self.words.get(chosen)


class TextInput(Input):
    """A text."""

    def make(self):
        return [text(self.name, self.label, self.default, self.optional)]

    def read(self, run):
        return run.text(self.name) or None


class ListInput(Input):
    """Several numbers or words: ``1000, 2000`` or ``["a", "b"]``."""

    def make(self):
        default = None if self.default is None else ", ".join(str(value) for value in self.default)
        return [text(self.name, self.label, default, self.optional)]

    def read(self, run):
        given = run.text(self.name)
        if not given:
            return None
        if given.startswith("["):
            return parse(self.name, given)
        words = [word.strip() for word in given.split(",") if word.strip()]
        kind = self.schema.get("items", {}).get("type")
        if kind not in ("number", "integer"):
            return words
        try:
            return [int(word) if kind == "integer" else float(word) for word in words]
        except ValueError as error:
            raise InputError(self.name, f"“{given}” are no numbers with commas between them") from error


class JsonInput(Input):
    """Anything else, as JSON; a plain text where the input takes one. ``{"layer": "name"}`` in it
    stands for a layer of the project, which is sent along.
    """

    def __init__(self, name, member, schema, plain=False):
        super().__init__(name, member, schema)
        self.plain = plain

    def make(self):
        default = self.default
        if default is not None and not isinstance(default, str):
            default = json.dumps(default)
        return [text(self.name, self.label, default, self.optional, lines=not self.plain)]

    def read(self, run):
        return self.value(self.name, run)

    def value(self, parameter, run):
        """The value that was given to a parameter."""
        given = run.text(parameter)
        if not given:
            return None
        if self.plain and not given.startswith(("{", "[")):
            return given
        return with_layers(self.name, parse(parameter, given), run)


class NamedInput(JsonInput):
    """Data that the server has by a name, such as a cube; beside the names anything else goes."""

    def __init__(self, name, member, schema, names=()):
        super().__init__(name, member, schema, plain=True)
        self.names = list(names)
        self.other = f"{name}_ref"

    def make(self):
        if not self.names:
            return super().make()
        other = text(self.other, f"{self.title}: several names as JSON, or something else", None, True)
        other.setFlags(other.flags() | ADVANCED)
        return [text(self.name, self.label, self.default, self.optional, hints=self.names), other]

    def read(self, run):
        return self.value(self.other if run.has(self.other) else self.name, run)


def text(name, label, default, optional, hints=(), lines=False):
    """A parameter of text, in several ``lines`` or with ``hints`` to choose from."""
    parameter = QgsProcessingParameterString(name, label, default, lines, optional)
    if hints:
        parameter.setMetadata({"widget_wrapper": {"value_hints": list(hints)}})
    return parameter


def parse(name, given):
    """JSON from a text.

    :raises InputError: it is none.
    """
    try:
        return json.loads(given)
    except ValueError as error:
        raise InputError(name, f"this is no JSON: {error}") from error


def with_layers(name, value, run):
    """A value in which layers of the project, named as ``{"layer": "name"}``, are sent along."""
    if isinstance(value, list):
        return [with_layers(name, item, run) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"layer"} and run.uploads:
        return run.uploads.named(name, value["layer"])
    return {key: with_layers(name, item, run) for key, item in value.items()}


def metadata_of(member, role):
    """What an input's metadata say of a role, such as its unit; empty where nothing."""
    for entry in member.get("metadata") or []:
        if entry.get("role") == role:
            return entry.get("title") or ""
    return ""


def alternatives(schema):
    """The shapes that a schema takes; ``null`` is none."""
    shapes = schema.get("oneOf") or schema.get("anyOf") or [schema]
    return [shape for shape in shapes if shape.get("type") != "null"]
