"""moto's S3 as a process of its own, which ends when its stdin does: its parent's end, however that comes."""

import logging
import sys
import threading

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local.launch import HOST


def main() -> None:
    """Prints the port that it listens on, and serves."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no line for each request, with the names in it
    server = make_server(HOST, 0, create_backend_app("s3"), threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
