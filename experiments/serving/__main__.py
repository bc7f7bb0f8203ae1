"""`python -m experiments.serving`: measures, prints the table, keeps the raw results and the plot.

python -m experiments.serving                                       everything, about an hour on two cores
python -m experiments.serving --models mobilenet_v2 --rounds 1 --servers fovea,floor,litserve
python -m experiments.serving --report-only                         the table and the plot again
"""

import argparse
import signal
from collections.abc import Callable, Sequence

from docs.sections import replace_section
from experiments.serving import models
from experiments.serving.measure import Plan, run
from experiments.serving.models import CACHE
from experiments.serving.plot import draw
from experiments.serving.report import PAGE, serving_section
from experiments.serving.results import FILE, PART, Results, load, machine, save
from experiments.serving.servers import FLOOR, OURS, SERVERS
from experiments.serving.turns import take_turns
from models.registry import ROOT

FULL_ROUNDS = 3


def main() -> None:
    """The whole measurement goes into docs/; a part of it is only shown."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: no server outlives this process
    asked = _arguments()
    whole = (asked.models, asked.servers) == (models.NAMES, _SERVERS) and asked.rounds >= FULL_ROUNDS
    file, plot = (FILE, ROOT / "docs" / "serving.png") if whole else (PART, CACHE / "serving-part.png")
    if (asked.report_only or asked.turns_only) and not file.is_file():
        raise SystemExit(f"{file} is not there; measure first, without --report-only or --turns-only")
    if not asked.report_only:
        prepared = tuple(map(models.prepare, asked.models))
        results = load(file) if asked.turns_only else _measured(asked, prepared)
        if {OURS, FLOOR} <= set(asked.servers):
            results["turns"] = take_turns(prepared, _say)
        save(results, file)
    results = load(file)
    section = serving_section(results)
    _say(f"\n{section}\n{draw(results, plot)}\n{file}")
    if whole:
        replace_section(section, PAGE)


_SERVERS = tuple(server.name for server in SERVERS)


def _measured(asked: argparse.Namespace, prepared: tuple[models.Model, ...]) -> Results:
    servers = tuple(server for server in SERVERS if server.name in asked.servers)
    results: Results = {"machine": machine(), "records": [], "turns": []}
    plan = Plan(prepared, servers, asked.rounds, asked.seconds)
    results["records"] = run(plan, _say, lambda records: save(results | {"records": records}, PART))
    return results


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.serving", description=__doc__)
    parser.add_argument("--models", type=_names(models.NAMES), default=models.NAMES, help=",".join(models.NAMES))
    parser.add_argument("--servers", type=_names(_SERVERS), default=_SERVERS, help=",".join(_SERVERS))
    parser.add_argument("--rounds", type=int, default=FULL_ROUNDS)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement, longer for slow servers")
    parser.add_argument("--turns-only", action="store_true", help="ours and the floor in turns, the rest as kept")
    parser.add_argument("--report-only", action="store_true", help="measure nothing")
    return parser.parse_args()


def _names(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def read(value: str) -> tuple[str, ...]:
        given = tuple(value.split(","))
        if not set(given) <= set(known):
            raise argparse.ArgumentTypeError(f"choose from {','.join(known)}")
        return given

    return read


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
