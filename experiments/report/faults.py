"""Why there is no report.

ReportFault
├── NoRuns       the folder has none
├── MixedRuns    of two models, of two places, or of one endpoint twice
└── NoAnswers    a run in which nothing was answered

A file of another version is experiments.client.sample.ForeignRows.
"""


class ReportFault(Exception):
    """One line that says what to do."""


class NoRuns(ReportFault):
    """There is nothing to report on."""


class MixedRuns(ReportFault):
    """Runs that do not belong into one report."""


class NoAnswers(ReportFault):
    """A run has no request, or none that was answered, to take a time from."""
