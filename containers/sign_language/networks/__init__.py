"""The networks that `network = "…"` in model.toml may name."""
