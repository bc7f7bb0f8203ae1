"""`python -m local`: synthesizes the stacks and serves them on this machine until Ctrl-C."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from contract.media import JSON, sniff
from local.assembly import Assembly, AssemblyError
from local.environment import EnvironmentFailed
from local.server import HOST, LocalRun, listen, port_of, serve
from local.synth import SynthFailed, synthesize
from models.registry import ROOT, Model, load_models
from models.spec import SpecError


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 after a clean stop, 1 with one clear line when it cannot start."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    options = _options(arguments)
    try:
        gateway = listen(options.port)
    except OSError:
        free = options.port + 1 if options.port < 65535 else 8000
        return _fail(f"Port {options.port} is in use. Stop what uses it, or choose another: make local PORT={free}")
    try:
        models = load_models()  # its faults in a tenth of a second, before anything slow
        print(f"Synthesizing the {options.stage} stage …", flush=True)
        assembly = Assembly(synthesize(options.stage, options.out))
        runtime = listen(0)
        run = LocalRun(assembly, options.state, port_of(runtime), options.idle_s)
    except (SpecError, SynthFailed, AssemblyError, EnvironmentFailed) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    ports = port_of(gateway), port_of(runtime)
    asyncio.run(serve(run, gateway, runtime, lambda: _say_ready(run, models, ports, options.state)))
    print("\nStopped.")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", type=_port, default=8000, help="where the API listens (8000)")
    parser.add_argument("--stage", default="dev", help="the stage to synthesize (dev)")
    parser.add_argument("--idle-s", type=float, default=300.0, help="idle time until a serverless endpoint stops (300)")
    parser.add_argument("--out", type=Path, default=ROOT / "cdk.out", help="the cloud assembly (cdk.out)")
    parser.add_argument("--state", type=Path, default=ROOT / ".local", help="logs, key and unpacked models (.local)")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; choose 1 to 65535")
    return int(text)


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _say_ready(run: LocalRun, models: Sequence[Model], ports: tuple[int, int], state: Path) -> None:
    address, runtime = (f"http://{HOST}:{port}" for port in ports)
    print(f"\nFovea is ready on {address}\nAPI key: {run.key}\n\nTry:\n  KEY={run.key}")
    for model in models:
        sample = next(_samples(model), None)
        if sample is not None:
            print(
                f'  curl -H "x-api-key: $KEY" -H "Content-Type: {sniff(sample.read_bytes()) or JSON}" '
                f"--data-binary @{sample.relative_to(ROOT)} {address}/models/{model.spec.name}/predict"
            )
    print()
    print(f"SageMaker endpoints, for boto3 and the aws command, on {runtime}:")
    for name, endpoint in run.endpoints.items():
        where = endpoint.endpoint.instance_type
        print(f"  {name}" + (f"  (on {where} in AWS, on this CPU here)" if where else ""))
    print(f"Logs: {state / 'logs'}\nCtrl-C stops everything.", flush=True)


def _samples(model: Model) -> Iterator[Path]:
    return (file for file in sorted((model.folder / "samples").glob("*")) if file.suffix != ".md")


if __name__ == "__main__":
    raise SystemExit(main())
