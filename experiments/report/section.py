"""The report's part of docs/experiments.md: its plots, its sentences, and what to choose by traffic and target."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from experiments.report.recommend import Recommendation
from experiments.report.report import PLOTS, TARGETS_MS, TRAFFIC, Report
from experiments.report.sentence import LOCAL
from experiments.report.words import milliseconds, number

HEADING = "## Which endpoint to choose"


def keep_pictures(report: Report, docs: Path) -> Sequence[Path]:
    """Copies every plot to `docs`/experiments-NAME.png; those of an earlier report that has others go."""
    for name in PLOTS:
        (docs / f"experiments-{name}.png").unlink(missing_ok=True)
    return [Path(shutil.copy(each.file, docs / f"experiments-{each.name}.png")) for each in report.pictures]


def section(report: Report) -> str:
    """Markdown, from its heading on."""
    runs = report.runs
    notice = f"{LOCAL}\n\n" if runs.target == "local" else ""
    said = "\n".join(f"- {each}" for each in report.sentences)
    pictures = "\n\n".join(
        f"![{_alt(each.alt)}](experiments-{each.name}.png)\n\n{each.caption}" for each in report.pictures
    )
    sources = "; ".join(report.published.sources.values())
    return f"""{HEADING}

The last report, of {runs.model}, measured {runs.place}, with prices of {report.prices.region}, {report.prices.date}.
{notice}
{said}

{_grid(report)}

{pictures}

Published figures in the first plot: {sources}. They are in no figure, price or recommendation of ours.
"""


def _alt(text: str) -> str:
    return text.replace("[", "(").replace("]", ")")


def _grid(report: Report) -> str:
    rows = [
        ["target", *(f"{number(per_day)} a day" for per_day in TRAFFIC)],
        ["---"] * (1 + len(TRAFFIC)),
        *([milliseconds(target), *(_choice(report.grid[each, target]) for each in TRAFFIC)] for target in TARGETS_MS),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _choice(found: Recommendation) -> str:
    if found.chosen is not None:
        return found.chosen.candidate.label
    return f"none ({found.fastest.candidate.label} is the fastest)" if found.fastest is not None else "none"
