"""What was captured against the baseline: drift.json, and one line of the log that CloudWatch makes a metric of."""

import json
import time
from typing import Any

from monitoring.baseline import Baseline
from monitoring.capture import Captured
from monitoring.errors import CaptureFault
from monitoring.stability import psi, verdict

METRIC = "Drift"
DIMENSIONS = ("Model", "Endpoint")


def compare(baseline: Baseline, captured: Captured) -> dict[str, Any]:
    """Each feature that both have, with its bins, both counts, its PSI and what that means. Raises CaptureFault."""
    features: dict[str, dict[str, Any]] = {}
    for name, (bins, before) in baseline.features.items():
        if name in captured.values:
            now = bins.count(captured.values[name])
            moved = round(psi(before, now), 4)
            of_bins = {"edges": bins.edges, "names": bins.names}
            features[name] = {**of_bins, "baseline": before, "now": now, "psi": moved, "verdict": verdict(moved)}
    if not features:
        raise CaptureFault("nothing of what was captured is in the baseline; capture inputs or outputs of this model")
    _, most = max((feature["psi"], name) for name, feature in features.items())
    return {
        "model": baseline.model,
        "version": baseline.version,
        "from": captured.first.isoformat(),
        "to": captured.last.isoformat(),
        "captured": dict(captured.counts),
        "most": {"feature": most, "psi": features[most]["psi"], "verdict": features[most]["verdict"]},
        "features": features,
    }


def metric_line(drift: dict[str, Any], namespace: str, endpoint: str) -> str:
    """The largest PSI, in CloudWatch's embedded metric format, with the feature that it is of.

    Without a metric for each feature, which would cost ten times as much: drift.json has them all.
    """
    metrics = {"Namespace": namespace, "Dimensions": [list(DIMENSIONS)], "Metrics": [{"Name": METRIC, "Unit": "None"}]}
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metrics]}
    most = drift["most"]
    said = {"Model": drift["model"], "Endpoint": endpoint, METRIC: most["psi"], "feature": most["feature"]}
    return json.dumps({"_aws": about, **said})
