"""`python -m rehearsal`: bootstrap, deploy, check, change, destroy, by the real CDK command against moto's server."""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError

from images.assets import read_images
from local.endpoint import free_port
from models.registry import ROOT
from rehearsal.checks import Account, check_deployed, check_gone, resources
from rehearsal.command import Rehearsal, RehearsalFailed

STAGE = "beta"  # which has all stacks, and keeps nothing when it is destroyed
CHANGED = "face_mask"


def main() -> int:
    """Exit status 0 when every step did what it should, 1 with what was seen otherwise."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the server does not outlive this process
    with tempfile.TemporaryDirectory() as room:
        try:
            _rehearse(Path(room))
        except RehearsalFailed as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    print("The rehearsal passed.")
    return 0


def _rehearse(room: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    rehearsal, account = Rehearsal(room, url), Account(url)
    _say("synthesizing a copy of this repository")
    assembly = rehearsal.synthesize(STAGE)
    with moto(port, assembly) as unsupported:
        _say("cdk bootstrap")
        rehearsal.bootstrap()
        _say("cdk deploy --all" + ("" if rehearsal.builds else ", images written down only: no Docker engine answers"))
        rehearsal.deploy()
        _tell(check_deployed(account, resources(assembly)))
        _tell([_images(rehearsal, assembly)])
        _change(rehearsal, account, assembly)
        _say("cdk destroy --all")
        rehearsal.destroy()
        _tell(check_gone(account))
        _say(f"accepted by moto, without effect: {', '.join(unsupported)}")


def _change(rehearsal: Rehearsal, account: Account, assembly: Path) -> None:
    """A new version of one model reaches its endpoints, which stay what they are, and no others."""
    before = account.served()
    _say(f"cdk deploy --all with a new version of {CHANGED}")
    spec = rehearsal.root / "models" / CHANGED / "model.toml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(re.sub(r'^version = ".*"', 'version = "99.0.0"', text, flags=re.MULTILINE), encoding="utf-8")
    rehearsal.synthesize(STAGE)
    rehearsal.deploy()
    _tell(check_deployed(account, resources(assembly)))
    after = account.served()
    if after.keys() != before.keys():
        raise RehearsalFailed(f"endpoints were replaced: {sorted(after.keys() ^ before.keys())}")
    changed = {arn for arn in after if after[arn] != before[arn]}
    expected = {arn for arn in after if f"-{CHANGED.replace('_', '-')}-" in arn}
    if changed != expected:
        raise RehearsalFailed(f"{sorted(changed)} serve another archive, not {sorted(expected)}")
    _tell([f"endpoints that now serve another archive, themselves the same: {len(changed)}"])


def _images(rehearsal: Rehearsal, assembly: Path) -> str:
    """Every image was asked for. One that the engine has already is pushed, but not built again."""
    wanted = set(read_images(assembly))
    pushed = {call[-1].rpartition(":")[2] for call in rehearsal.docker_calls() if call[0] == "push"}
    if pushed != wanted:
        raise RehearsalFailed(f"images pushed: {sorted(pushed)}, not {sorted(wanted)}")
    by = "built by this machine's engine but for GPUs, not pushed" if rehearsal.builds else "written down"
    return f"images: {len(pushed)}, {by}"


@contextmanager
def moto(port: int, assembly: Path) -> Iterator[list[str]]:
    """moto's server while entered; gives the types of resources that it accepts without effect."""
    command = [sys.executable, "-m", "rehearsal.server", str(port), str(assembly)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            said = server.stdout.readline() if server.stdout else ""
            if not said.startswith("["):
                raise RehearsalFailed("moto's server does not start; `make test` installs it")
            _wait_until_it_listens(port)
            yield json.loads(said)
        finally:
            server.kill()


def _wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            Account(f"http://127.0.0.1:{port}").endpoints()
        except BotoCoreError:
            time.sleep(0.1)
        else:
            return
    raise RehearsalFailed("moto's server does not answer")


def _say(what: str) -> None:
    print(f"- {what}", flush=True)


def _tell(lines: list[str]) -> None:
    for line in lines:
        print(f"    {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
