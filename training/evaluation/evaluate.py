"""The whole evaluation: both models are asked about the same files, and what they answered is measured and compared."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from contract.gate import TOLERANCE, check_tolerance, decide
from contract.options import Options
from models.spec import SCRIPT_CONTAINER, ModelSpec
from training.data.examples import Example
from training.errors import CorruptData, UnusableModel
from training.evaluation import REPORT
from training.evaluation.bootstrap import RESAMPLES, Measures, compare
from training.evaluation.classification import Classification
from training.evaluation.detection import Detection
from training.evaluation.examples import digest, refuse_absent
from training.evaluation.page import page
from training.evaluation.served import Refusal, ServedModel, served

_SHOWN_CORRUPT = 20


class Task(Protocol):
    """What differs between the tasks; examples and predictions are a task's own."""

    labels: tuple[str, ...]
    gated: tuple[str, ...]
    positive: str | None
    options: Options

    def examples(self, data: Path) -> list[Example[Any]]:
        """What lies in `data`. Raises UnusableData."""

    def read(self, answer: Mapping[str, Any]) -> Any:
        """The prediction in an answer."""

    def measures(self, examples: Sequence[Any], predictions: Sequence[Any]) -> Measures:
        """What the bootstrap resamples."""

    def details(self, examples: Sequence[Any], predictions: Sequence[Any]) -> dict[str, object]:
        """What the report shows of one model beside its measures, as JSON."""

    def mistakes(self, examples: Sequence[Any], predictions: Sequence[Any]) -> list[dict[str, object]]:
        """The worst, worst first, each with the example's name as `file`."""


_TASKS: dict[str, type[Classification] | type[Detection]] = {
    "image-classification": Classification,
    "pose-sequence-classification": Classification,
    "object-detection": Detection,
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """The examples that every model answered, the predictions of each model, and the corrupt files with their codes."""

    examples: list[Example[Any]]
    predictions: list[list[Any]]
    corrupt: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`summary` is the content of evaluation.json, `report` of report.json, which has all of it and more.

    `pictures` has the file of each mistake in the report, by its name.
    """

    summary: dict[str, Any]
    report: dict[str, Any]
    pictures: Mapping[str, Path]

    def write(self, folder: Path) -> None:
        """Makes `folder`, with evaluation.json, report.json and report.html."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REPORT).write_text(page(self.report, self.pictures), encoding="utf-8")
        for name, content in (("report.json", self.report), ("evaluation.json", self.summary)):
            text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
            (folder / name).write_text(f"{text}\n", encoding="utf-8")


def evaluate(
    candidate: Path, current: Path | None, data: Path | Sequence[Example[Any]], tolerance: float = TOLERANCE
) -> Evaluation:
    """Asks the candidate, and the current model where there is one, about every example in `data`.

    An example that the server refuses is corrupt and left out, for both. Raises UnusableModel, UnusableData,
    CorruptData when more than a hundredth is corrupt, GateError for the tolerance.
    """
    check_tolerance(tolerance)
    with served(candidate, "candidate") as model:
        spec = model.spec
        task: Task = _TASKS[spec.model.task](spec, model.labels)
        examples = task.examples(data.resolve()) if isinstance(data, Path) else list(data)
        refuse_absent(examples)
        answers = [_ask(model, task, examples)]
    if current is not None:
        with served(current, "current model") as model:
            _refuse_another(model, spec, task)
            answers.append(_ask(model, task, examples))
    return _evaluation(spec, task, _usable(examples, answers), tolerance)


def _ask(model: ServedModel, task: Task, examples: Sequence[Example[Any]]) -> list[Any]:
    return model.answers([example.file for example in examples], task.options, task.read)


def _refuse_another(model: ServedModel, spec: ModelSpec, task: Task) -> None:
    if model.spec.model.container == spec.model.container == SCRIPT_CONTAINER:
        raise UnusableModel(
            "two models with scripts of their own would take each other's modules in one process; evaluate each alone"
        )
    if model.spec.model.task != spec.model.task or set(model.labels) != set(task.labels):
        raise UnusableModel(
            f"the current model, {model.spec.name}, has another task or other labels than the candidate, {spec.name}; "
            "compare models of the same, or leave --current away"
        )


def _usable(examples: Sequence[Example[Any]], answers: Sequence[Sequence[Any]]) -> _Asked:
    refused = {at: answer.code for each in answers for at, answer in enumerate(each) if isinstance(answer, Refusal)}
    corrupt = [{"file": examples[at].name, "code": refused[at]} for at in sorted(refused)]
    if len(corrupt) > CorruptData.tolerated * len(examples):
        first = ", ".join(f"{one['file']} ({one['code']})" for one in corrupt[:3])
        raise CorruptData(
            f"{len(corrupt)} of {len(examples)} examples cannot be read, more than a hundredth; "
            f"mend or remove them: {first}{' …' if len(corrupt) > 3 else ''}"
        )
    kept = [at for at in range(len(examples)) if at not in refused]
    return _Asked([examples[at] for at in kept], [[each[at] for at in kept] for each in answers], corrupt)


def _summary(spec: ModelSpec, task: Task, asked: _Asked) -> dict[str, Any]:
    measures = [task.measures(asked.examples, each) for each in asked.predictions]
    compared = compare(measures[0], measures[1] if len(measures) > 1 else None, len(asked.examples))
    return {
        "model": spec.name,
        "task": spec.model.task,
        "examples": len(asked.examples),
        "corrupt": len(asked.corrupt),
        "labels": list(task.labels),
        "data": {"sha256": digest(asked.examples)},
        "gated": list(task.gated),
        "measures": {name: comparison.as_json() for name, comparison in compared.items()},
    }


def _evaluation(spec: ModelSpec, task: Task, asked: _Asked, tolerance: float) -> Evaluation:
    summary = _summary(spec, task, asked)
    mistakes = [task.mistakes(asked.examples, each) for each in asked.predictions]
    details = [
        {**task.details(asked.examples, each), "mistakes": worst}
        for each, worst in zip(asked.predictions, mistakes, strict=True)
    ]
    report = {
        **summary,
        "version": spec.model.version,
        "description": spec.model.description,
        "notice": spec.model.notice,
        "positive": task.positive,
        "resamples": RESAMPLES,
        "gate": {"tolerance": tolerance, **asdict(decide(summary, tolerance))},
        "corrupt_files": asked.corrupt[:_SHOWN_CORRUPT],
        "candidate": details[0],
        "current": details[1] if len(details) > 1 else None,
    }
    return Evaluation(summary, report, _files_of(mistakes, asked.examples))


def _files_of(mistakes: Iterable[Sequence[Mapping[str, object]]], examples: Sequence[Example[Any]]) -> dict[str, Path]:
    shown = {mistake["file"] for each in mistakes for mistake in each}
    return {example.name: example.file for example in examples if example.name in shown}
