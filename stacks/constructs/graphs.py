"""The pieces of a dashboard and their places: CloudWatch's widgets (its user guide, "Dashboard body structure")."""

from collections.abc import Iterable, Sequence
from typing import Any

from stacks.naming import REGION

WIDTH, HEIGHT, FULL = 6, 6, 24  # of CloudWatch's grid
PERIOD_S = 300
PERCENTILES = ("p50", "p90", "p99")

Widget = dict[str, Any]
Of = Sequence[str]
"""Names and values of dimensions, in turn."""
Line = list[Any]
"""Namespace, metric, dimensions, and how it is shown; or an expression alone."""


def graph(title: str, lines: Iterable[Line], period_s: int = PERIOD_S) -> Widget:
    """Lines over time."""
    properties = {"title": title, "view": "timeSeries", "region": REGION, "period": period_s, "metrics": list(lines)}
    return {"type": "metric", "width": WIDTH, "height": HEIGHT, "properties": properties}


def text(markdown: str, height: int, y: int = 0) -> Widget:
    """A heading, from one side to the other."""
    return {"type": "text", "x": 0, "y": y, "width": FULL, "height": height, "properties": {"markdown": markdown}}


def alarm_states(arns: Sequence[str], y: int) -> Widget:
    """Which alarms ring, from one side to the other."""
    properties = {"title": "Alarms", "alarms": list(arns)}
    return {"type": "alarm", "x": 0, "y": y, "width": FULL, "height": 3, "properties": properties}


def summed(label: str) -> dict[str, str]:
    """How many in a period."""
    return {"stat": "Sum", "label": label}


def highest(label: str) -> dict[str, str]:
    """The most in a period, on the right axis."""
    return {"stat": "Maximum", "label": label, "yAxis": "right"}


def percentiles(namespace: str, metric: str, of: Of) -> list[Line]:
    """How long the middle one takes, one in ten and one in a hundred."""
    return [[namespace, metric, *of, {"stat": stat, "label": stat}] for stat in PERCENTILES]


def computed(id: str, namespace: str, metric: str, of: Of, *, stat: str, expression: str, label: str) -> list[Line]:
    """What `expression` makes of a metric that it calls `id`, which itself is not shown."""
    return [
        [namespace, metric, *of, {"id": id, "stat": stat, "visible": False}],
        [{"id": f"{id}_is", "expression": expression, "label": label}],
    ]


def placed(row: Iterable[Widget], y: int) -> list[Widget]:
    """The widgets side by side from `y` on, in as many lines as they need."""
    side_by_side = FULL // WIDTH
    return [
        {**widget, "x": at % side_by_side * WIDTH, "y": y + at // side_by_side * HEIGHT}
        for at, widget in enumerate(row)
    ]


def bottom(widgets: Sequence[Widget]) -> int:
    """Where the next one may be."""
    return max(int(widget["y"]) + int(widget["height"]) for widget in widgets)
