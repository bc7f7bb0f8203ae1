"""How well a model does as it is served, how sure that is, and whether it is better than the one that is served now."""

REPORT = "report.html"
"""The page, in the folder that an evaluation writes to."""
