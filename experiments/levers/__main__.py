"""`python -m experiments.levers NAME …`: measures these levers; without a name it lists them."""

import sys
from importlib import import_module

_LEVERS = {
    "bf16": ("bf16", "half precision on a CPU, speed and answers"),
    "int8": ("int8", "NNCF's quantisation, speed, size and answers"),
    "onnxruntime": ("onnx_runtime", "ONNX Runtime in the place of OpenVINO"),
    "asynchronous": ("asynchronous", "AsyncInferQueue and start_async against threads"),
    "cold_start": ("cold_start", "OpenVINO's files, cache and blob against a SavedModel"),
    "startup": ("startup", "Python's flags, and what each import takes"),
    "answers": ("answers", "json against orjson and msgspec"),
    "granian": ("http_servers", "Granian against uvicorn"),
}


def main(names: list[str]) -> None:
    """Imports only what is asked for: each has packages of its own."""
    if not names or not set(names) <= set(_LEVERS):
        raise SystemExit("\n".join(f"{name:<14}{what}" for name, (_, what) in _LEVERS.items()))
    for name in names:
        print(f"# {name}", flush=True)
        import_module(f"experiments.levers.{_LEVERS[name][0]}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
