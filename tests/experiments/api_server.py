"""A small HTTP server in place of an API, for what the real one does only on a bad day."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMED = "function;dur=9.0,sagemaker;dur=7.5,decode;dur=1.0,inference;dur=2.0,encode;dur=0.5"
Answer = tuple[int, bytes, dict[str, str]]


def good() -> Answer:
    return 200, b"{}", {"Server-Timing": TIMED}


def error(status: int, code: str) -> Answer:
    return status, json.dumps({"error": {"code": code}}).encode(), {}


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # the default of 5 has the kernel drop connections, each for a second


@contextmanager
def api(answer: Callable[[], Answer]) -> Iterator[str]:
    """Its address; `answer` is asked for each request, in a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or the body waits 40 ms for an acknowledgement of the headers

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body, headers = answer()
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
