"""The networks that `network = "…"` in the experiment's model.toml may name."""
