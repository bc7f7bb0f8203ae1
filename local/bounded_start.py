"""Becomes another command, held to some memory and processors: `python local/bounded_start.py BOUNDS COMMAND …`.

Runs as a script, before the command is there, so that all it starts is held too. BOUNDS is JSON: `groups`, the settings
of a control group in each folder; `cores`, those to run on; `data_bytes`, the most memory of each process.
"""

import json
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

_MEMBERS = "cgroup.procs"


def main(bounds: str, *command: str) -> None:
    """Does not return, or ends with a line that says what could not be done."""
    given = json.loads(bounds)
    try:
        for folder, settings in given["groups"].items():
            _join(Path(folder, given["name"].format(os.getpid())), settings)
        if given["cores"]:
            os.sched_setaffinity(0, given["cores"])
        if given["data_bytes"]:
            resource.setrlimit(resource.RLIMIT_DATA, (given["data_bytes"], given["data_bytes"]))
    except OSError as error:
        sys.exit(f"{error.filename or 'this process'}: {error.strerror}; run without --emulate, or as root")
    os.execv(command[0], command)  # noqa: S606 - this process is to become it


def _join(group: Path, settings: list[list[str]]) -> None:
    with suppress(OSError):
        group.rmdir()  # of one that had the same id before
    group.mkdir()
    for name, value in settings:
        (group / name).write_text(value, encoding="ascii")
    (group / _MEMBERS).write_text("0", encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
