"""`python -m experiments.report FOLDER`: plots and a page of its runs, and a sentence that recommends an endpoint."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from docs.sections import replace_section
from experiments.arguments import positive, positives
from experiments.client.sample import ForeignRows
from experiments.cost.prices import PriceTableFault
from experiments.report.faults import ReportFault
from experiments.report.page import page
from experiments.report.report import Report, make_report
from experiments.report.section import keep_pictures, section
from experiments.report.sentence import LOCAL
from models.registry import ROOT
from models.spec import SpecError

PAGE = ROOT / "docs" / "experiments.md"
PER_DAY, LATENCY_MS, PERCENTILE = (1000.0,), 500.0, 95.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 with the page written and the sentence printed, 1 with one clear line otherwise."""
    options = _options(arguments)
    out = options.out or options.folder / "report"
    try:
        out.mkdir(parents=True, exist_ok=True)
        report = make_report(options.folder, out, options.requests_per_day, options.latency_ms, options.percentile)
        file = out / "index.html"
        file.write_text(page(report), encoding="utf-8")
        if options.docs:
            replace_section(section(report), PAGE)
            keep_pictures(report, PAGE.parent)
    except (ReportFault, ForeignRows, PriceTableFault, SpecError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or out}: {error.strerror}", file=sys.stderr)
        return 1
    _say(report, file)
    return 0


def _say(report: Report, file: Path) -> None:
    for each in report.sentences:
        print(each)
    if report.runs.target == "local":
        print(LOCAL)
    print(*(picture.file for picture in report.pictures), file, sep="\n", flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.report", description=__doc__)
    parser.add_argument("folder", type=Path, help="with a folder for each endpoint, as experiments.latency leaves it")
    parser.add_argument(
        "--requests-per-day", type=positives, default=PER_DAY, help="recommend for these, with commas (1000)"
    )
    parser.add_argument("--latency-ms", type=positive, default=LATENCY_MS, help=f"the target ({LATENCY_MS:g})")
    parser.add_argument("--percentile", type=_percent, default=PERCENTILE, help=f"that keeps it ({PERCENTILE:g})")
    parser.add_argument("--out", type=Path, help="where plots and page go (FOLDER/report)")
    parser.add_argument("--docs", action="store_true", help="keep plots and tables in docs/experiments.md")
    return parser.parse_args(arguments)


def _percent(text: str) -> float:
    value = positive(text)
    if value >= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not below 100; nobody can promise it for every request")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
