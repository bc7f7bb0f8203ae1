"""How fast the main job is: `make bench` measures synth, the path of a request and the cold start."""
