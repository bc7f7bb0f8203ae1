"""A folder -> rows, at the throughput of the server: so many requests are under way that it never waits for one."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import local

from contract.errors import ApiError, PayloadTooLarge
from contract.limits import BODIES
from contract.media import sniff
from contract.options import Options, header_value
from experiments.batch.client import Client
from experiments.batch.inputs import type_of
from experiments.batch.rows import MOST_PREDICTIONS, Row, row_of
from models.registry import Model

IN_FLIGHT = 16
"""Requests at once: a few for each core of a small machine, and half of what a server of one worker lets in."""
_AHEAD = 4  # rows are written in order: so many times more are begun, that one slow answer holds up no other
UNREADABLE = "UNREADABLE_FILE"


class Scorer:
    """Asks the server at `url` for each file of `folder`."""

    def __init__(self, url: str, folder: Path, model: Model, in_flight: int) -> None:
        self._url, self._folder, self._model, self._in_flight = url, folder, model, in_flight
        ranked = model.spec.model.task != "object-detection"  # where the threshold says how many there are
        self._attributes = header_value(Options(top_k=MOST_PREDICTIONS), "batch") if ranked else ""
        self._of_thread = local()

    def rows(self, names: Sequence[str]) -> Iterator[Row]:
        """The row of each name, in order. Raises ServerFault."""
        pool, waiting = ThreadPoolExecutor(self._in_flight), deque[Future[Row]]()
        try:
            for name in names:
                if len(waiting) >= _AHEAD * self._in_flight:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(self._row, name))
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _row(self, name: str) -> Row:
        try:
            body = _read(self._folder / name)
        except OSError as error:
            return Row(name, UNREADABLE, error=f"The file cannot be read: {error.strerror}.")
        except ApiError as error:
            return Row(name, error.code(), error=str(error))
        if not hasattr(self._of_thread, "client"):
            self._of_thread.client = Client(self._url, self._attributes)
        return row_of(name, self._of_thread.client.ask(body, sniff(body) or type_of(name)), self._model)


def _read(file: Path) -> bytes:
    """Raises OSError; PayloadTooLarge, before it is read."""
    if file.stat().st_size > BODIES.upload:
        raise PayloadTooLarge(max_body_bytes=BODIES.upload)
    return file.read_bytes()
