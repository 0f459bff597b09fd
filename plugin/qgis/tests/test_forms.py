# SPDX-License-Identifier: GPL-2.0-or-later
"""The forms that QGIS makes of the algorithms: alone, in a batch, in the modeller."""

import pytest
from qgis.core import QgsProcessingContext, QgsProcessingModelAlgorithm, QgsProject
from qgis.gui import QgsGui, QgsProcessingGui, QgsProcessingParameterWidgetContext
from qgis.PyQt.QtWidgets import QComboBox

KINDS = QgsProcessingGui.WidgetType


@pytest.fixture
def context():
    """What widgets look at."""
    made = QgsProcessingContext()
    made.setProject(QgsProject.instance())
    return made


@pytest.mark.parametrize("kind", [KINDS.Standard, KINDS.Batch, KINDS.Modeler])
def test_every_input_has_a_widget_that_gives_its_default_back(provider, context, kind):
    registry = QgsGui.processingGuiRegistry()
    surroundings = QgsProcessingParameterWidgetContext()
    surroundings.setProject(QgsProject.instance())
    surroundings.setModel(QgsProcessingModelAlgorithm())
    for algorithm in provider.algorithms():
        for definition in algorithm.parameterDefinitions():
            if definition.isDestination():
                continue
            wrapper = registry.createParameterWidgetWrapper(definition, kind)
            where = f"{algorithm.id()}: {definition.name()} ({definition.type()})"
            assert wrapper is not None, where
            wrapper.setWidgetContext(surroundings)
            widget = wrapper.createWrappedWidget(context)
            assert widget is not None, where
            wrapper.setWidgetValue(definition.defaultValue(), context)
            value = wrapper.parameterValue()
            assert definition.checkValueIsAcceptable(value, context) or definition.defaultValue() is None, (
                f"{where}: {value!r}"
            )


def test_names_that_the_server_offers_can_be_chosen(provider, context):
    definition = provider.algorithm("county.rice-map").parameterDefinition("cube")
    wrapper = QgsGui.processingGuiRegistry().createParameterWidgetWrapper(definition, KINDS.Standard)
    widget = wrapper.createWrappedWidget(context)
    assert isinstance(widget, QComboBox)
    assert [widget.itemText(i) for i in range(widget.count())] == ["county-2019"]
    mines = provider.algorithm("county.stress-zones").parameterDefinition("mines_ref")
    assert "The server offers: mines, rice-samples." in mines.help()
