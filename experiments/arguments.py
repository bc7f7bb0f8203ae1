"""Numbers and addresses as a command line gives them, each refused by argparse with what would do."""

import argparse
from collections.abc import Sequence
from math import isfinite

import httpx


def count(text: str) -> int:
    """0 or more."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def some(text: str) -> int:
    """1 or more."""
    if (found := count(text)) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return found


def several(text: str) -> Sequence[int]:
    """1 or more each, between commas."""
    return [some(part) for part in text.split(",")]


def positive(text: str) -> float:
    """Above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (value > 0 and isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def positives(text: str) -> Sequence[float]:
    """Above 0 each, between commas."""
    return [positive(part) for part in text.split(",")]


def address(text: str) -> str:
    """Of http or https, with a host."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise argparse.ArgumentTypeError(f"{text!r} is no address; give such as https://….amazonaws.com/prod")
    return text
