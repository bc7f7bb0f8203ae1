"""baseline.json: how what a model was trained on is distributed, feature by feature, by the code that checks it.

{"model": "face-mask", "version": "1.0.0", "pictures": 1200,
 "features": {"brightness": {"edges": [81.2, …], "counts": [120, …]}, "label": {"names": […], "counts": […]}}}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitoring.errors import BaselineFault
from monitoring.features import FEATURES, of_answer, of_pictures
from monitoring.stability import FEWEST, Bins, Value, read_bins


@dataclass(frozen=True, slots=True)
class Baseline:
    """Each feature's bins and counts, and whose they are."""

    model: str
    version: str
    features: Mapping[str, tuple[Bins, list[int]]]


def make_baseline(pictures: Path, rows: Path) -> dict[str, Any]:
    """From the training pictures, and the rows that `python -m experiments.batch --format jsonl` wrote of them.

    Raises BaselineFault.
    """
    from tqdm import tqdm  # noqa: PLC0415 not in a model's image, where a baseline is only read

    values: dict[str, list[Value]] = {}
    of, used = ("", ""), 0
    for row in tqdm(_rows(rows), unit=" pictures", desc="baseline"):
        if row["status"] != "OK":
            continue
        try:
            seen, _ = of_pictures(((pictures / row["name"]).read_bytes(),))
        except OSError as error:
            raise BaselineFault(f"{pictures / row['name']}: {error.strerror}; give the folder of the rows") from error
        of, used = (row["model"], row["version"]), used + 1
        for each in (*seen, of_answer(row)):
            for name, value in each.items():
                values.setdefault(name, []).append(value)
    if used < FEWEST:
        raise BaselineFault(f"{rows}: {used} pictures are too few for a baseline, {FEWEST} at least; score more")
    features = {name: _counted(values[name]) for name in FEATURES if name in values}
    return {"model": of[0], "version": of[1], "pictures": used, "features": features}


def read_baseline(file: Path) -> Baseline:
    """Raises BaselineFault."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        features = {name: read_bins(each) for name, each in content["features"].items()}
        return Baseline(content["model"], content["version"], features)
    except OSError as error:
        raise BaselineFault(f"{file}: {error.strerror}; make one with `python -m monitoring baseline`") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BaselineFault(f"{file}: is no baseline; make one with `python -m monitoring baseline`") from error
    except BaselineFault as error:
        raise BaselineFault(f"{file}: {error}") from error


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise BaselineFault(f"{file}: {error.strerror}; write it with `python -m experiments.batch`") from error
    except ValueError as error:
        raise BaselineFault(f"{file}: holds no rows; write it with --format jsonl") from error
    if not all(isinstance(row, dict) and {"name", "status", "model", "version"} <= row.keys() for row in rows):
        raise BaselineFault(f"{file}: holds no rows of a batch; write it with `python -m experiments.batch`")
    return rows


def _counted(values: list[Value]) -> dict[str, Any]:
    bins = Bins.of(values)
    return {"edges": bins.edges, "names": bins.names, "counts": bins.count(values)}
