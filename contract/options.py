"""What a caller may ask of an answer, and how it travels: query string -> CustomAttributes header -> server.

SageMaker forwards exactly one free-form header to the container, so the proxy writes the options and the
request id into it, `request_id=1f2e,top_k=5,threshold=0.5`, and the model server reads them back here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from contract.errors import InvalidParameter
from contract.limits import REQUESTS

HEADER = "X-Amzn-SageMaker-Custom-Attributes"


@dataclass(frozen=True, slots=True)
class Options:
    """At most `top_k` predictions, none with a score below `threshold` (0 to 1)."""

    top_k: int | None = None
    threshold: float | None = None

    @classmethod
    def read(cls, values: Mapping[str, object]) -> "Options":
        """From a query string or a JSON object; other keys are ignored. Raises InvalidParameter."""
        return cls(top_k=_top_k(values.get("top_k")), threshold=_threshold(values.get("threshold")))

    def over(self, other: "Options") -> "Options":
        """These options, with `other`'s where these say nothing."""
        return Options(
            top_k=other.top_k if self.top_k is None else self.top_k,
            threshold=other.threshold if self.threshold is None else self.threshold,
        )


def header_value(options: Options, request_id: str) -> str:
    """The header that carries `options` and `request_id`."""
    pairs = {"request_id": request_id, "top_k": options.top_k, "threshold": options.threshold}
    return ",".join(f"{key}={value}" for key, value in pairs.items() if value is not None)


def attributes(header: str) -> dict[str, str]:
    """The pairs in `header`: `Options.read` takes the options from them, `request_id` is the caller's."""
    items = (item.partition("=") for item in header.split(","))
    return {key.strip(): value.strip() for key, _, value in items}


def _top_k(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 4:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= REQUESTS.max_top_k:
        raise InvalidParameter
    return value


def _threshold(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise InvalidParameter
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise InvalidParameter from error
    if not 0.0 <= number <= 1.0:
        raise InvalidParameter
    return number
