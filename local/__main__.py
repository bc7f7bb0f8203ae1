"""`python -m local`: synthesizes the stacks and serves them on this machine until Ctrl-C."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from images.docker import DockerError, check_engine
from local.assembly import Assembly
from local.environment import EnvironmentFailed
from local.launch import HOST
from local.page import SHOWN_BY_PAGE, Page
from local.server import LocalRun, Ports, listen, port_of, serve
from local.synth import SynthFailed, synthesize
from local.template import AssemblyError
from models.registry import ROOT, Model, load_models
from models.samples import sample_type, samples
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
        if options.docker:
            check_engine()
        print(f"Synthesizing the {options.stage} stage …", flush=True)
        assembly = Assembly(synthesize(options.stage, options.out, options.context), dict(options.archive))
        listeners = gateway, listen(0), listen(0)
        ports = Ports(*map(port_of, listeners))
        page = Page(models, assembly.api(), f"http://{HOST}:{ports.s3}")
        run = LocalRun(
            assembly, page, options.state, ports, options.idle_s, docker=options.docker, emulate=options.emulate
        )
    except (SpecError, SynthFailed, AssemblyError, EnvironmentFailed, DockerError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    asyncio.run(serve(run, listeners, lambda: _say_ready(run, models, ports, options.state)))
    print("\nStopped.")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", type=_port, default=8000, help="where the API listens (8000)")
    parser.add_argument("--stage", default="dev", help="the stage to synthesize (dev)")
    parser.add_argument(
        "-c", "--context", action="append", default=[], metavar="NAME=VALUE", help="as cdk's, for example auth=cognito"
    )
    parser.add_argument(
        "--archive",
        action="append",
        default=[],
        type=_archive,
        metavar="MODEL=FILE",
        help="a model.tar.gz to serve in place of the model's own, as after a training",
    )
    parser.add_argument("--idle-s", type=float, default=300.0, help="idle time until what scales to zero stops (300)")
    parser.add_argument("--docker", action="store_true", help="serve through the built images, not processes")
    parser.add_argument(
        "--emulate", action="store_true", help="hold each endpoint to the memory and processors that it has in AWS"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "cdk.out", help="the cloud assembly (cdk.out)")
    parser.add_argument("--state", type=Path, default=ROOT / ".local", help="logs, key and unpacked models (.local)")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; choose 1 to 65535")
    return int(text)


def _archive(text: str) -> tuple[str, Path]:
    model, _, file = text.partition("=")
    if not Path(file).is_file():
        raise argparse.ArgumentTypeError(f"{text!r}: there is no file {file!r}; give such as face-mask=model.tar.gz")
    return model, Path(file).resolve()


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _say_ready(run: LocalRun, models: Sequence[Model], ports: Ports, state: Path) -> None:
    address, runtime, s3 = (f"http://{HOST}:{port}" for port in ports)
    ways = run.callers.ways(run.api)
    shows = "&".join(f"{way.variable.lower()}={way.value}" for way in ways if way.variable in SHOWN_BY_PAGE)
    print(f"\nFovea is ready on {address}\nThe page: {address}/" + (f"#{shows}" if shows else ""))
    print("\nTry:", *(f"  {way.variable}={way.value}" for way in ways), sep="\n")
    shown = " ".join(way.option for way in ways)
    for model in models:
        sample = next(iter(samples(model).values()), None)
        if sample is not None:
            print(
                f'  curl {shown} -H "Content-Type: {sample_type(sample)}" '
                f"--data-binary @{sample.relative_to(ROOT)} {address}/models/{model.spec.name}/predict"
            )
    print()
    print(f"SageMaker endpoints, for boto3 and the aws command, on {runtime}:")
    for name, endpoint in run.endpoints.items():
        where, others = endpoint.endpoint.instance_type, endpoint.endpoint.others
        alone = f"; without its variants {', '.join(others)}" if others else ""
        print(f"  {name}" + (f"  (on {where} in AWS, on this CPU here{alone})" if where else ""))
    if run.lambda_endpoints:
        print("Lambda functions, likewise:", *run.lambda_endpoints, sep="\n  ")
    if run.s3.buckets:
        print(f"S3, likewise, on {s3}:", *run.s3.buckets, sep="\n  ")
    for name, bounds in run.bounds.items():
        print(f"Emulated, {name}:", *bounds.told, sep="\n  ")
    print(f"Logs: {state / 'logs'}\nCtrl-C stops everything.", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
