"""What a training prints is what SageMaker finds."""

import re

import pytest

from contract.training import FIGURES, METRIC_DEFINITIONS, figures_line


@pytest.mark.parametrize("value", [0.0, 1.0, 0.123456, 12345.678, 1.5e-7, 2e12, -0.25])
@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_found_by_its_own_definition_alone(name, value):
    found = {
        each["Name"]: match[1]
        for each in METRIC_DEFINITIONS
        if (match := re.search(each["Regex"], figures_line(20, {name: value})))
    }
    assert found.keys() == {name}
    assert float(found[name]) == pytest.approx(value, rel=1e-5)


def test_a_figure_that_nobody_would_find_is_refused():
    with pytest.raises(ValueError, match=r"validation:speed.*FIGURES"):
        figures_line(1, {"validation:speed": 1.0})
