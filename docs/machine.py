"""docs/retraining.svg: the state machine that trains a model anew, drawn from the definition that synth writes.

States stand in the order of the definition, in columns; the ends that name a failure stand beside what leads to them,
and the state that tells the topic before each is left out.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from aws_cdk import App

from models.registry import ROOT, Model, load_models
from models.training import Training
from stacks.retraining_stack import RetrainingStack
from stacks.stage import STAGES

_STAGE = STAGES["beta"]  # which has alarms to watch, and leaves it to the measures when a person is asked
_ROWS, _PITCH_Y, _PITCH_X, _TOP = 8, 62, 372, 20
_BOX, _END = (150, 34), (142, 22)
_COLOURS = {"Task": "#e3ecf8", "Choice": "#fdf1d8", "Wait": "#ececf1", "Pass": "#ececf1", "Succeed": "#dcf1e0"}
_STYLE = """
    text { font-size: 12px; fill: #16263f; text-anchor: middle; dominant-baseline: central }
    .state { stroke: #35507a; stroke-width: 1.3 }
    .end { fill: #fbe3dc; stroke: #a1440f } .failed { font-size: 11px; fill: #a1440f }
    .next { stroke: #35507a; stroke-width: 1.4; fill: none; marker-end: url(#next) }
    .error { stroke: #c98a6b; stroke-width: 1; fill: none; marker-end: url(#error) }"""

Point = tuple[float, float]
States = Mapping[str, Mapping[str, Any]]


def machine_picture() -> str:
    """The SVG."""
    return drawn(_definition()["States"])


def _definition() -> dict[str, Any]:
    """Of a shipped model, as if its model.toml had an empty [training] table."""
    training = Training.model_validate({})
    model = next(model for model in load_models() if (model.folder / "train.py").is_file())
    trained = Model(model.spec.model_copy(update={"training": training}), model.folder)
    with tempfile.TemporaryDirectory() as out:
        app = App(outdir=out, analytics_reporting=False, builtin_cloud_formation_validation=False)
        RetrainingStack(app, model=trained, training=training, stage=_STAGE, root=ROOT)
        app.synth()
        (file,) = Path(out).glob("*.template.json")
        resources = json.loads(file.read_text("utf-8"))["Resources"].values()
    (machine,) = (each for each in resources if each["Type"] == "AWS::StepFunctions::StateMachine")
    pieces = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    definition: dict[str, Any] = json.loads("".join(piece if isinstance(piece, str) else "…" for piece in pieces))
    return definition


def drawn(states: States) -> str:
    """The SVG of `states`."""
    telling = {name: str(state["Next"]) for name, state in states.items() if states[_after(state)]["Type"] == "Fail"}
    shown = [name for name, state in states.items() if name not in telling and state["Type"] != "Fail"]
    at = {name: _place(number) for number, name in enumerate(shown)}
    ends, lines = _failures(states, shown, at, telling)
    lines += [_line(at[name], at[to]) for name in shown for to in _leads_to(states[name]) if to in at]
    boxes = [_box(at[name], name, states[name]["Type"]) for name in shown] + [_end(*end) for end in ends]
    width = _PITCH_X * -(-len(shown) // _ROWS)
    height = _TOP + _PITCH_Y * _ROWS
    label = "States from NameRun to Deployed, and the failures that each may end in."
    return f"""<!-- Made by `make docs`; edit the code instead. -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" role="img"
     aria-label="{label}">
  <style>{_STYLE}
  </style>
  <defs>{_marker("next", "#35507a")}{_marker("error", "#c98a6b")}</defs>
  <rect width="{width}" height="{height}" rx="10" fill="#f4f7fb"/>
{chr(10).join(f"  {part}" for part in lines + boxes)}
</svg>
"""


def _after(state: Mapping[str, Any]) -> str:
    """What comes next without a choice; of an end, any state that is none."""
    return str(state.get("Next", "Deployed"))


def _leads_to(state: Mapping[str, Any]) -> Iterator[str]:
    edges = [state, *state.get("Choices", []), *state.get("Catch", [])]
    yield from dict.fromkeys(edge["Next"] for edge in edges if "Next" in edge)
    if "Default" in state:
        yield state["Default"]


def _place(number: int) -> Point:
    column, row = divmod(number, _ROWS)
    return 34 + column * _PITCH_X, _TOP + row * _PITCH_Y


def _failures(
    states: States, shown: list[str], at: Mapping[str, Point], telling: Mapping[str, str]
) -> tuple[list[tuple[Point, str]], list[str]]:
    """Where each column's ends stand, and the lines to them: an end once in a column, two at most in a row."""
    placed: dict[tuple[float, str], Point] = {}
    lines = []
    for name in shown:
        x, y = at[name]
        for to in (telling[each] for each in _leads_to(states[name]) if each in telling):
            if (x, to) not in placed:
                beside = sum(
                    1 for px, py in placed.values() if px > x and px - x < _PITCH_X and abs(py - y) < _PITCH_Y - 26
                )
                placed[x, to] = (x + _BOX[0] + 40, y + (6 if not beside else 32))
            ex, ey = placed[x, to]
            start = y + _BOX[1] / 2
            lines.append(
                f'<path class="error" d="M{x + _BOX[0]} {start:g} H{ex - 22} V{ey + _END[1] / 2:g} H{ex - 1}"/>'
            )
    return [(point, name) for (_, name), point in placed.items()], lines


def _line(start: Point, end: Point) -> str:
    (x, y), (tx, ty) = start, end
    width, height = _BOX
    if tx == x and ty == y + _PITCH_Y:
        path = f"M{x + width / 2:g} {y + height} V{ty - 1}"
    elif tx == x:
        side, middle, its = x - 12 - 4 * abs(ty - y) / _PITCH_Y, y + height / 2, ty + height / 2
        path = f"M{x} {middle:g} C{side:g} {middle:g} {side:g} {its:g} {x - 1} {its:g}"
    else:
        far = tx - 24
        path = f"M{x + width / 2:g} {y + height} V{y + height + 9} H{far} V{ty + height / 2:g} H{tx - 1}"
    return f'<path class="next" d="{path}"/>'


def _box(at: Point, name: str, kind: str) -> str:
    (x, y), (width, height) = at, _BOX
    radius = height / 2 if kind == "Choice" else 6
    shape = f'x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius:g}"'
    box = f'<rect class="state" {shape} fill="{_COLOURS[kind]}"/>'
    return f'{box}<text x="{x + width / 2:g}" y="{y + height / 2:g}">{escape(name)}</text>'


def _end(at: Point, name: str) -> str:
    (x, y), (width, height) = at, _END
    box = f'<rect class="end" x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>'
    return f'{box}<text class="failed" x="{x + width / 2:g}" y="{y + height / 2:g}">{escape(name)}</text>'


def _marker(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L10 5 L0 10 z" fill="{colour}"/></marker>'
    )
