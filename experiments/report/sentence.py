"""The recommendation in words: what to choose, why, and what comes next."""

from experiments.cost.breakeven import Pair, break_even
from experiments.cost.prices import PriceTable
from experiments.report.recommend import Judged, Recommendation
from experiments.report.words import dollars, listed, milliseconds, number, ordinal, share_of

_RARE = 0.0005  # shown as 0.1 % it would be a lie

LOCAL = (
    "Times of this machine, in a local run, with AWS's prices: an order among endpoints, not a quote. "
    "Before you pay for one, measure it on AWS with python -m experiments.latency MODEL --target aws."
)


def sentence(found: Recommendation, prices: PriceTable) -> str:
    """One to three sentences."""
    asked = f"{number(found.requests_per_day)} requests a day"
    if found.chosen is None:
        return _none(found, asked)
    parts = [_reason(found, found.chosen, asked)]
    parts += [_beside(found.chosen, other, prices) for other in _others(found)]
    if len(found.fitting) == 1:
        measured = [each for each in found.judged if not each.candidate.borrowed]
        parts.append("Nothing else that was measured fits." if len(measured) > 1 else "Nothing else was measured.")
    parts += _cheaper(found, found.chosen)
    return " ".join(parts)


def _cheaper(found: Recommendation, chosen: Judged) -> list[str]:
    """Why not the cheapest of those that are out; a GPU that nobody measured costs more anyway."""
    less = [each for each in found.judged if each.reason and each.usd_a_thousand < chosen.usd_a_thousand]
    return [
        f"{each.candidate.label} would cost {dollars(each.usd_a_thousand)} a thousand, but {each.reason}."
        for each in less[:1]
    ]


def _reason(found: Recommendation, chosen: Judged, asked: str) -> str:
    return (
        f"{chosen.candidate.shown}: at {asked} {_cold(chosen)}, the {ordinal(found.percentile)} percentile is "
        f"{milliseconds(chosen.latency_ms)}, within {milliseconds(found.latency_ms)}; "
        f"{dollars(chosen.usd_a_thousand)} a thousand."
    )


def _cold(judged: Judged) -> str:
    candidate = judged.candidate
    if candidate.idle_s is None:
        return "nobody meets a cold start"
    took = candidate.request.cold_start_s * 1000 if candidate.is_function else min(candidate.start_ms)
    what = f"a cold start of {milliseconds(took)}" if took else "a cold start"
    if judged.cold_share < _RARE:
        return f"fewer than 0.1 % meet {what}"
    return f"{share_of(judged.cold_share)} meet {what}"


def _others(found: Recommendation) -> list[Judged]:
    """The runner-up, and the first of the always-on ones or of the others, whichever the chosen one is not."""
    chosen, others = found.fitting[0], found.fitting[1:]
    is_on = chosen.candidate.idle_s is None
    unlike = [each for each in others if (each.candidate.idle_s is None) != is_on]
    return others[:1] + [each for each in unlike[:1] if each is not others[0]]


def _beside(chosen: Judged, other: Judged, prices: PriceTable) -> str:
    """How much more `other` costs, and at which traffic less."""
    costs = f"{other.candidate.label} costs {_more(chosen, other)}"
    idle, steady = chosen.candidate, other.candidate
    if idle.idle_s is None:
        idle, steady = steady, idle
    if idle.idle_s is None or steady.idle_s is not None:
        return f"{costs}."
    pays = break_even(Pair(idle.served(""), steady.served("")), prices)
    if steady is chosen.candidate:
        return f"{costs}; below {number(round(pays))} a day it costs less." if pays else f"{costs}."
    return f"{costs} and " + (
        f"pays from {number(round(pays))} a day on." if pays else "never pays: its instances are full before."
    )


def _more(less: Judged, more: Judged) -> str:
    ratio = more.usd_a_thousand / less.usd_a_thousand
    if ratio < 1.95:
        return f"{ratio - 1:.0%} more".replace("%", " %") if ratio >= 1.005 else "the same"
    return f"{ratio:.1f} times as much" if ratio < 9.95 else f"{number(round(ratio))} times as much"


def _none(found: Recommendation, asked: str) -> str:
    fastest = found.fastest
    if fastest is None:
        reasons = "; ".join(f"{each.candidate.label}: {each.reason}" for each in found.judged)
        return f"None of them can be recommended for {asked}. {reasons}."
    over = fastest.latency_ms / found.latency_ms
    far = f"{over:.1f} times the target" if over >= 1.1 else f"{share_of(over - 1)} over the target"
    unjudged = [
        each.candidate.label for each in found.judged if each.candidate.is_stand_in and not each.candidate.borrowed
    ]
    gpu = f" Nobody measured {listed(unjudged)} with a GPU." if unjudged else ""
    return (
        f"None of them answers {number(found.percentile)} % of {asked} within {milliseconds(found.latency_ms)}. "
        f"The fastest is {fastest.candidate.label}, whose {ordinal(found.percentile)} percentile is "
        f"{milliseconds(fastest.latency_ms)}, {far}; "
        f"{dollars(fastest.usd_a_thousand)} a thousand.{gpu}"
    )
