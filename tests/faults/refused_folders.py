"""What must become of a model folder that cannot be served: in a server, and loaded as a server loads it."""

import json
import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.faults.failing_scripts import MIB, starting

SECRET = b"root:x:0:0"  # the first line of /etc/passwd
_ENDS_WITHIN_S = 15.0  # a start takes one; what would be read for ever does not end at all
_ADDRESS_SPACE = 8 * 1024 * MIB  # so that a file without end harms this test and not the machine
_LONGEST_LINE = 1000


def never_ready_and_one_clear_line(folder: Path, environment: Mapping[str, str]) -> str:
    """The reason in the one error line of a server that ends with 1 and was never ready."""
    with starting(folder, folder.with_suffix(".log"), **environment) as server:
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
        deadline = time.monotonic() + _ENDS_WITHIN_S
        while server.process.poll() is None:
            assert time.monotonic() < deadline, "it neither serves nor ends"
            if '"listening"' in folder.with_suffix(".log").read_text() and not server.http.base_url.host:
                server.wait_until_listening()
            assert not server.http.base_url.host or server.ping() != 200
            time.sleep(0.02)
        said = folder.with_suffix(".log").read_bytes() + folder.with_suffix(".stderr").read_bytes()
        assert server.process.returncode == 1, said
        assert b"Traceback" not in said
        assert SECRET not in said
        (error,) = (line for line in server.log_lines() if line["level"] == "error")
    reason = str(error.get("reason", error["message"]))
    assert len(reason) < _LONGEST_LINE
    assert "\n" not in reason
    return reason


@contextmanager
def loading_one_by_one(environment: Mapping[str, str]) -> Iterator[Callable[[Path], dict]]:
    """What becomes of each folder in tests.faults.one_by_one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.one_by_one"],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    )
    resource.prlimit(process.pid, resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))

    def load(folder: Path) -> dict:
        process.stdin.write(f"{folder}\n")
        assert select.select([process.stdout], [], [], _ENDS_WITHIN_S)[0], "it neither loads nor refuses"
        return json.loads(process.stdout.readline())

    try:
        yield load
    finally:
        process.kill()
        process.communicate()
