"""The report as one page that needs nothing else: no script, no font, no picture from elsewhere."""

from base64 import b64encode
from collections.abc import Iterator
from html import escape
from pathlib import Path

from experiments.report.candidate import Candidate
from experiments.report.cost import BreakEven, break_evens
from experiments.report.recommend import Recommendation
from experiments.report.report import TARGETS_MS, TRAFFIC, Report
from experiments.report.sentence import LOCAL, sentence
from experiments.report.style import Picture
from experiments.report.words import dollars, listed, milliseconds, number, ordinal, share_of

_STYLE = Path(__file__).with_name("page.css")


def page(report: Report) -> str:
    """The HTML."""
    title = f"{report.runs.model}: which endpoint to choose"
    sections = (
        _head(report, title),
        _advice(report),
        _grid(report),
        *(_picture(picture) for picture in report.pictures),
        _break_evens(report),
        _published(report),
        _method(report),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{_STYLE.read_text(encoding='utf-8')}</style></head>\n<body>\n"
        + "\n".join(filter(None, sections))
        + "\n</body></html>\n"
    )


def _head(report: Report, title: str) -> str:
    runs = report.runs
    facts = {
        "Version": ", ".join(sorted({one.run.version for one in runs.each})),
        "Measured": runs.place,
        "Prices": f"{report.prices.region}, {report.prices.date}",
        "Endpoints": f"{len(runs.each)}",
    }
    told = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    notice = f'<p class="notice">{escape(LOCAL)}</p>' if runs.target == "local" else ""
    return f'<header><h1>{escape(title)}</h1>{notice}<dl class="facts">{told}</dl></header>'


def _advice(report: Report) -> str:
    said = "".join(f"<p>{escape(each)}</p>" for each in report.sentences)
    return f'<section class="advice"><h2>Recommendation</h2>{said}{_judged(report)}</section>'


def _judged(report: Report) -> str:
    """Every endpoint at the first traffic that was asked for."""
    first = report.asked[0]
    ordered = f"{ordinal(first.percentile)} percentile"
    heads = ("Endpoint", ordered, "Cold", "A thousand", f"At {number(first.requests_per_day)} a day")
    rows = "".join(
        f'<tr><th scope="row">{_chip(each.candidate)}</th><td>{_wait(each.latency_ms)}</td>'
        f"<td>{share_of(each.cold_share)}</td><td>{_usd(each.usd_a_thousand)}</td>"
        f'<td class="why">{escape(each.reason or "fits")}{_whose(each.candidate)}</td></tr>'
        for each in first.judged
    )
    return _table(heads, rows)


def _whose(candidate: Candidate) -> str:
    return escape(f" (not measured: times of {candidate.borrowed})") if candidate.borrowed else ""


def _wait(ms: float) -> str:
    return milliseconds(ms) if ms < float("inf") else "unknown"


def _usd(value: float) -> str:
    return dollars(value) if value < float("inf") else "no price"


def _chip(candidate: Candidate) -> str:
    return f'<span class="chip {candidate.kind}">{escape(candidate.label)}</span>'


def _grid(report: Report) -> str:
    """What to choose for each traffic and each target."""
    heads = ("Target", *(f"{number(per_day)} a day" for per_day in TRAFFIC))
    rows = "".join(
        f'<tr><th scope="row">{milliseconds(target)}</th>'
        + "".join(_choice(report.grid[per_day, target], report) for per_day in TRAFFIC)
        + "</tr>"
        for target in TARGETS_MS
    )
    percent = number(report.asked[0].percentile)
    return (
        f'<section class="by"><h2>By traffic and latency target</h2>{_table(heads, rows)}'
        f'<p class="hint">The cheapest endpoint that answers {percent} % of all requests in time, cold starts among '
        "them; below it the dollars for a thousand. In brackets: none is in time, and this one is the fastest.</p>"
        "</section>"
    )


def _choice(found: Recommendation, report: Report) -> str:
    why = escape(sentence(found, report.prices), quote=True)
    if found.chosen is not None:
        chosen = found.chosen
        return f'<td title="{why}">{_chip(chosen.candidate)}<small>{dollars(chosen.usd_a_thousand)}</small></td>'
    if found.fastest is not None:
        fastest = found.fastest
        said = f"({escape(fastest.candidate.label)})<small>{milliseconds(fastest.latency_ms)}</small>"
        return f'<td class="none" title="{why}">{said}</td>'
    return f'<td class="none" title="{why}">none</td>'


def _picture(picture: Picture) -> str:
    data = b64encode(picture.file.read_bytes()).decode()
    return (
        f'<section><h2>{escape(picture.title)}</h2><figure><div class="wide">'
        f'<img alt="{escape(picture.alt, quote=True)}" src="data:image/png;base64,{data}"></div>'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure></section>"
    )


def _break_evens(report: Report) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_chip(each.idle)}{_whose(each.idle)}</th>'
        f"<td>{_chip(each.steady)}{_whose(each.steady)}</td>"
        f"<td>{_from(each)}</td></tr>"
        for each in break_evens([*report.runs.candidates, *report.others], report.prices)
    )
    if not rows:
        return ""
    heads = ("Free while idle", "Always on", "Costs less from")
    return f"<section><h2>Break-even</h2>{_table(heads, rows)}</section>"


def _from(each: BreakEven) -> str:
    return f"{number(round(each.per_day))} a day" if each.per_day else "never: its instances are full before"


def _published(report: Report) -> str:
    published = report.published
    items = "".join(f"<li>{figure.phase}: {escape(figure.text)}</li>" for figure in published.figures)
    sources = "; ".join(published.sources.values())
    return (
        "<section><h2>Published figures, for orientation alone</h2>"
        f'<ul>{items}</ul><p class="hint">Source: {escape(sources)}. Another model, another server and other pictures, '
        "on AWS; no figure, price or recommendation of this page is made of them.</p></section>"
    )


def _method(report: Report) -> str:
    runs = report.runs.each
    said = "".join(
        f"<li><b>{escape(one.run.endpoint)}</b>: {len(one.samples):,} requests"
        f"{escape(f'; cold: {one.run.how_cold}' if one.run.how_cold else '')}"
        f"{escape(''.join(f'; {each}' for each in one.run.emulated))}</li>"
        for one in runs
    )
    machine = ", ".join(f"{name} {value}" for name, value in runs[0].run.environment.items())
    others = "".join(f"<li>{escape(each)}</li>" for each in assumptions(report))
    return (
        f'<section><h2>How this was measured and reckoned</h2><ul>{said}</ul><p class="hint">{escape(machine)}</p>'
        f"<ul>{others}</ul></section>"
    )


def assumptions(report: Report) -> Iterator[str]:
    """What stands behind the figures, a sentence each."""
    yield (
        "Requests come evenly at random (a Poisson process); a function's environment leaves after ten idle minutes: "
        "exp(-rate × 600 s) of all requests meet a cold start. Peaks, and requests that overlap, meet more of them."
    )
    yield (
        "Cold and warm latencies are those of the fewest clients that were measured at once; a percentile is that of "
        "their mixture. What a request costs is the mean time that the container was busy, as AWS bills it."
    )
    yield "Costs are of the endpoint alone, by experiments/cost (docs/cost.md), without API Gateway and the proxy."
    kilobytes = sorted({round(each.request.body_bytes / 1000) for each in report.runs.candidates})
    sizes = listed([number(each) for each in kilobytes])
    yield f"The price of data is that of what was sent here, {sizes} kB a request; larger pictures cost more."
    for each in report.runs.candidates:
        if each.is_stand_in:
            yield f"{each.label}: its times are those of a CPU here, so it is never recommended for them."
    for each in report.others:
        yield f"{each.label}: not measured; it is drawn with the times of {each.borrowed}."


def _table(heads: tuple[str, ...], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
