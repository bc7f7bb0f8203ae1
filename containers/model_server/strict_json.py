"""JSON as the contract accepts it: it parses, nests at most 100 deep, and every number is finite and of a sane size.

What is uploaded has room for twenty million values, and a gigabyte or two of memory for them; nobody sends so many.
"""

import json
import math
from collections.abc import Iterable

from contract.errors import MalformedJson
from contract.limits import REQUESTS

_MAX_INTEGER_DIGITS = 20  # no count and no size that a request may hold needs more


def parse(body: bytes) -> object:
    """The value in `body`. Raises MalformedJson."""
    if body.count(b",") >= REQUESTS.max_json_values:  # commas in a string count too; neither base64 nor a name has any
        raise MalformedJson
    try:
        text = body.decode(json.detect_encoding(body))  # strictly: json.loads itself lets half a surrogate through
        value: object = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise MalformedJson from error
    _check_depth(value)
    return value


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number outside the range of a double")
    return number


def _integer(digits: str) -> int:
    if len(digits) > _MAX_INTEGER_DIGITS:
        raise ValueError("an integer of too many digits")
    return int(digits)


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(REQUESTS.max_json_depth):
        level = [child for node in level for child in _children(node)]
    if any(isinstance(node, list | dict) for node in level):
        raise MalformedJson


def _children(node: object) -> Iterable[object]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()
