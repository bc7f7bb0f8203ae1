"""`python -m training.evaluation`: a candidate and the current model on the same examples, as JSON and as a page.

Writes evaluation.json, which the gate reads, report.json with everything, and report.html for people.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from contract.gate import TOLERANCE, GateError
from training.errors import TrainingError
from training.evaluation import REPORT
from training.evaluation.evaluate import evaluate


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 whatever the verdict, 1 with one line when nothing could be evaluated."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    given = _parser().parse_args(arguments)
    try:
        evaluation = evaluate(given.candidate, given.current, given.data, given.tolerance)
    except (TrainingError, GateError) as error:
        print(error.line if isinstance(error, TrainingError) else error, file=sys.stderr)
        return 1
    evaluation.write(given.out)
    for name, told in evaluation.summary["measures"].items():
        if told["candidate"] is not None:
            print("{name}: {value:.4f} ({low:.4f} to {high:.4f})".format(name=name, **told["candidate"]))
    gate = evaluation.report["gate"]
    print("\n".join(finding["reason"] for finding in gate["findings"]))
    print(f"The gate says {gate['outcome']}. The report is {given.out / REPORT}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.evaluation", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    models = "a model.tar.gz, the folder of one, or a folder of models/"
    parser.add_argument("--candidate", type=Path, required=True, help=models)
    parser.add_argument("--current", type=Path, help="the model that is served now; without it a person decides")
    parser.add_argument("--data", type=Path, required=True, help="held-out examples, as docs/training.md says")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the three files")
    tolerance = "how much lower the gate lets a measure be (%(default)s)"
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help=tolerance)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
