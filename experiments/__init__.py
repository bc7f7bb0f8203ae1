"""Measurements. Each prints ratios from one run, ours beside a baseline, and keeps its last table in docs/."""
