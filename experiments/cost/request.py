"""One request as AWS bills it: how long it takes and how much it moves. Times are measured here, in docs/images.md."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.endpoints import LambdaEndpoint
from models.registry import ROOT, Model

PAGE = ROOT / "docs" / "images.md"
ASSUMED_S, ASSUMED_COLD_START_S = 0.1, 1.0  # for a model that the page has not
BODY_BYTES = 300_000  # a photograph made smaller for sending
ANSWER_BYTES = 1000

_ROW = re.compile(r"^\| ([a-z0-9-]+), (SageMaker|Lambda with \d+ MB) \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Request:
    """The seconds that a model's server is busy with it, cold or warm, and its bytes."""

    seconds: float
    cold_start_s: float = ASSUMED_COLD_START_S
    body_bytes: float = BODY_BYTES
    answer_bytes: float = ANSWER_BYTES
    source: str = "given"

    @property
    def billed_s(self) -> float:
        """`seconds` as serverless endpoints and functions are billed: up to the next millisecond."""
        return -(-round(self.seconds * 1e6) // 1000) / 1000

    @property
    def bytes(self) -> float:
        """In and out."""
        return self.body_bytes + self.answer_bytes


@dataclass(frozen=True, slots=True)
class Measurements:
    """Seconds to the first prediction and of the next one, by model and by where its image ran."""

    seconds: Mapping[tuple[str, str], tuple[float, float]]

    def request(self, model: Model, endpoint: str, body_bytes: float = BODY_BYTES) -> Request:
        """A request to that endpoint: measured for its own memory, else for the model, else assumed."""
        settings = model.spec.endpoints[endpoint]
        places = [f"Lambda with {settings.memory_mb} MB"] if isinstance(settings, LambdaEndpoint) else []
        for place in (*places, "SageMaker"):
            if (model.spec.name, place) in self.seconds:
                first_s, next_s = self.seconds[model.spec.name, place]
                return Request(next_s, first_s, body_bytes, source="measured")
        return Request(ASSUMED_S, ASSUMED_COLD_START_S, body_bytes, source="assumed")


def measurements(page: Path = PAGE) -> Measurements:
    """What `python -m experiments.image_cold_start` left in the page."""
    rows = _ROW.findall(page.read_text(encoding="utf-8"))
    return Measurements(
        {(model, place): (float(first), float(next_ms) / 1000) for model, place, first, next_ms in rows}
    )
