"""Clients that wait for each answer before they ask again, as cheap as Python allows: they share the server's cores.

One thread, non-blocking sockets, a request that was built before. Run as a process of its own:
`python -m experiments.serving.load PORT REQUEST_FILE LABEL CLIENTS SECONDS`, which prints a Result as JSON.
"""

import json
import math
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

PREFIX = b"class_"
FEWEST, LONGEST_S, SILENCE_S = 20, 15.0, 60.0
_END, _CHUNKED_END = b"\r\n\r\n", b"0\r\n\r\n"


@dataclass
class Result:
    """What was measured; latencies in milliseconds."""

    clients: int
    answers: int = 0
    errors: int = 0
    per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    client_cpu_ms: float = 0.0
    memory_mb: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)


class Refused(Exception):
    """An answer that is no prediction, or the wrong one; says which."""


class Connection:
    """One client: sends the request, collects the answer, and notes when it was asked."""

    def __init__(self, address: tuple[str, int], request: bytes) -> None:
        self._address, self._request = address, memoryview(request)
        self._socket: socket.socket | None = None
        self._sent, self._answer, self._length = 0, bytearray(), -1
        self.asked = 0.0

    def fileno(self) -> int:
        """As `selectors` wants it."""
        return -1 if self._socket is None else self._socket.fileno()

    def ask(self) -> None:
        """Starts the next request, over a new connection where the server closed the last one."""
        self.asked = time.perf_counter()
        self._sent, self._length = 0, -1
        self._answer.clear()
        if self._socket is None:
            self._socket = socket.create_connection(self._address)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setblocking(False)

    def send(self) -> bool:
        """Sends what the socket takes; whether all has been sent."""
        assert self._socket is not None  # noqa: S101
        try:
            while self._sent < len(self._request):
                self._sent += self._socket.send(self._request[self._sent :])
        except BlockingIOError:
            return False
        return True

    def receive(self) -> bytes | None:
        """The whole answer once it is there. Raises Refused when the connection ends before."""
        assert self._socket is not None  # noqa: S101
        try:
            piece = self._socket.recv(65536)
        except BlockingIOError:
            return None
        self._answer += piece
        if not piece:
            self.close()
            if self._length != 0:  # 0: the answer ends where the connection does
                raise Refused("connection closed")
            return bytes(self._answer)
        if self._length < 0:
            self._length = _length(self._answer)
        chunked = self._length == 1
        whole = self._answer.endswith(_CHUNKED_END) if chunked else 1 < self._length <= len(self._answer)
        return bytes(self._answer) if whole else None

    def close(self) -> None:
        """The next request opens another connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _length(answer: bytearray) -> int:
    """Bytes of head and body together; -1: head not complete, 0: until the connection ends, 1: chunked."""
    end = answer.find(_END)
    if end < 0:
        return -1
    head = bytes(answer[:end]).lower()
    at = head.find(b"content-length:")
    if at >= 0:
        return end + len(_END) + int(head[at + 15 :].split(b"\r\n", 1)[0])
    return 1 if b"transfer-encoding: chunked" in head else 0


def check(answer: bytes, label: bytes) -> None:
    """Raises Refused unless it is a 200 whose first label is `label`."""
    if answer[9:12] != b"200":
        raise Refused(f"status {answer[9:12].decode(errors='replace')}")
    at = answer.find(PREFIX)
    if answer[at : at + len(label)] != label:
        raise Refused("wrong label")


class Load:
    """`clients` connections to one server."""

    def __init__(self, port: int, request: bytes, label: str, clients: int) -> None:
        self._label, self._result = label.encode(), Result(clients)
        self._latencies: list[float] = []
        self._connections = [Connection(("127.0.0.1", port), request) for _ in range(clients)]
        self._selector = selectors.DefaultSelector()
        self._first = set(self._connections)

    def run(self, seconds: float) -> Result:
        """Measures for `seconds`, longer for slow servers, once every client has had an answer."""
        with self._asking():
            limit = time.perf_counter() + LONGEST_S
            while self._first and time.perf_counter() < limit:
                self._turn(again=True)
            self._latencies.clear()
            started, cpu = time.perf_counter(), time.process_time()
            asked = 0
            while not self._enough(time.perf_counter() - started, seconds):
                asked += self._turn(again=True)
            ended = time.perf_counter()
            spent = time.process_time() - cpu
            latencies = sorted(self._latencies)
        result = self._result
        result.answers, result.per_s = len(latencies), len(latencies) / (ended - started)
        result.client_cpu_ms = spent * 1000 / max(1, asked)
        if latencies:
            result.p50_ms, result.p99_ms = percentile(latencies, 50), percentile(latencies, 99)
        return result

    def _enough(self, elapsed: float, seconds: float) -> bool:
        return elapsed >= LONGEST_S or (elapsed >= seconds and len(self._latencies) >= FEWEST)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Every client has asked when it begins; all have had their answer when it ends."""
        for connection in self._connections:
            self._ask(connection)
        yield
        limit = time.perf_counter() + SILENCE_S
        while self._selector.get_map() and time.perf_counter() < limit:
            self._turn(again=False)
        for connection in self._connections:
            connection.close()

    def _ask(self, connection: Connection) -> None:
        connection.ask()
        sent = connection.send()
        self._selector.register(connection, selectors.EVENT_READ | (0 if sent else selectors.EVENT_WRITE))

    def _turn(self, *, again: bool) -> int:
        """Handles what is ready; how many answers came."""
        came = 0
        for key, events in self._selector.select(1.0):
            connection: Connection = key.fileobj  # type: ignore[assignment]
            try:
                if events & selectors.EVENT_WRITE and connection.send():
                    self._selector.modify(connection, selectors.EVENT_READ)
                answer = connection.receive() if events & selectors.EVENT_READ else None
                if answer is None:
                    continue
                check(answer, self._label)
                self._latencies.append((time.perf_counter() - connection.asked) * 1000)
            except (Refused, OSError) as fault:
                said = str(fault) if isinstance(fault, Refused) else type(fault).__name__
                self._result.errors += 1
                self._result.faults[said] = self._result.faults.get(said, 0) + 1
                connection.close()
                answer = b""
            came += 1
            self._forget(key, connection, answer)
            if again:
                self._ask(connection)
        return came

    def _forget(self, key: selectors.SelectorKey, connection: Connection, answer: bytes) -> None:
        self._selector.unregister(key.fileobj)
        self._first.discard(connection)
        if b"connection: close" in answer[:1000].lower():
            connection.close()


def percentile(ordered: list[float], percent: float) -> float:
    """Of values in ascending order, the smallest that `percent` of them do not pass."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def main(arguments: list[str]) -> None:
    """See the module."""
    port, file, label, clients, seconds = arguments
    load = Load(int(port), Path(file).read_bytes(), label, int(clients))
    print(json.dumps(asdict(load.run(float(seconds)))))


if __name__ == "__main__":
    main(sys.argv[1:])
