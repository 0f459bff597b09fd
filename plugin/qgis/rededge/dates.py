# SPDX-License-Identifier: GPL-2.0-or-later
"""Inputs that are days and intervals of days."""

from qgis.core import QgsProcessingParameterDateTime

from .parameters import Input, InputError


class DateInput(Input):
    """A day, or a day and a time."""

    def make(self):
        return [date(self.name, self.label, self.schema["format"] == "date", self.optional, self.default)]

    def read(self, run):
        return day(run, self.name, self.schema["format"] == "date")


class IntervalInput(Input):
    """First and last day; either may stay open."""

    prominent = True

    def make(self):
        ends = (("from", "first day"), ("to", "last day"))
        return [date(f"{self.name}_{end}", f"{self.title}: {what}", True, True) for end, what in ends]

    def read(self, run):
        first, last = (day(run, f"{self.name}_{end}", True) for end in ("from", "to"))
        return f"{first or '..'}/{last or '..'}" if first or last else None

    def fault(self, run):
        if self.required and not run.has(f"{self.name}_from") and not run.has(f"{self.name}_to"):
            return "give the first day, the last, or both"
        return None


def date(name, label, only_day, optional, default=None):
    """A parameter of time."""
    kinds = QgsProcessingParameterDateTime.Type
    kind = kinds.Date if only_day else kinds.DateTime
    return QgsProcessingParameterDateTime(name, label, kind, default, optional)


def day(run, name, only_day):
    """A day as ISO 8601 writes it; none where none was given."""
    if not run.has(name):
        return None
    moment = run.algorithm.parameterAsDateTime(run.parameters, name, run.context)
    if not moment.isValid():
        raise InputError(name, f"“{run.parameters[name]}” is no date such as 2019-04-01")
    return moment.toString("yyyy-MM-dd" if only_day else "yyyy-MM-ddTHH:mm:ss")
