"""One file for each value of `network` in model.toml; layers.py beside this folder has what they share.

`build(labels, weights)` gives the untrained network. Names and shapes of its parameters are those of the published
classes, so a state dict that was saved from one of them loads with strict=True.
"""
