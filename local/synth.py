"""Synthesizes the app with the real CDK command, so that the local run reads what `cdk deploy` would send."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from models.registry import ROOT

_CDK = ROOT / "node_modules" / ".bin" / "cdk"


class SynthFailed(Exception):
    """The app does not synthesize; carries what it said."""


def synthesize(stage: str, out: Path, options: Sequence[str] = ()) -> Path:
    """Writes the cloud assembly of `stage`, with `options` such as `auth=iam`, to `out` and returns it.

    Raises SynthFailed.
    """
    if not _CDK.exists():
        raise SynthFailed("the CDK command is not installed; run `make local`, which installs it")
    command = [str(_CDK), "synth", "--quiet", "--output", str(out), "-c", f"stage={stage}"]
    command += ["-c", "page=off"]  # it serves the page itself, from the API's own origin
    command += [word for option in options for word in ("-c", option)]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip() and "Subprocess exited" not in line]
        raise SynthFailed("\n".join(said) or done.stdout)
    return out
