"""Puts a trained model, in the file that its framework saved, into a model folder in the form that the server reads.

    python -m models.convert SOURCE models/my_model

SOURCE is a Keras file (.keras, .h5, .hdf5), a model.json (its weights beside it or named by --weights), the folder of a
SavedModel, or a PyTorch state dict (.pth, .pt). Nothing in it is run, and the artifact changes only when all went well.
"""

import argparse
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from models.archive import SPEC_NAME
from models.artifact import artifact_faults
from models.convert_refusal import Refusal
from models.labels import read_labels
from models.saved_model import Shape, Signature, read_signature
from models.spec import SCRIPT_CONTAINER, ModelSpec, SpecError, read_spec

_KERAS, _TORCH = (".keras", ".h5", ".hdf5", ".json"), (".pth", ".pt")
_WEIGHTS = (".h5", ".hdf5")


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is asked for."""

    source: Path
    model: Path
    weights: Path | None = None
    sigmoid: bool = False


@dataclass(slots=True)
class Written:
    """What became of it: shapes with -1 for any size, and what a person should know or set in model.toml."""

    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    scores: str | None = None
    notes: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 when the source was refused, with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m models.convert", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source", type=Path, help="the trained model: a file, or the folder of a SavedModel")
    parser.add_argument("model", type=Path, help="the model folder, such as models/my_model")
    parser.add_argument("--weights", type=Path, help="the .h5 of a model.json, where several lie beside it")
    parser.add_argument(
        "--sigmoid",
        action="store_true",
        help="insist that the one output is p and becomes [1 - p, p] (found by itself)",
    )
    warnings.simplefilter("ignore")  # of frameworks, about things that are not the user's to change
    try:
        convert(Conversion(**vars(parser.parse_args(arguments))))
    except (Refusal, SpecError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def convert(asked: Conversion) -> Path:
    """Writes the artifact and says what to check. Raises Refusal, SpecError, OSError, and the artifact is as it was."""
    spec = _spec(asked)
    artifact = asked.model / (spec.model.artifact if spec and not spec.model.is_remote else "artifact")
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=asked.model) as workshop:
        new = Path(workshop) / "new"
        new.mkdir()
        _keep_labels(spec, artifact, new)
        written = _write(asked, spec, new)
        faults = artifact_faults(spec, new) if spec else []
        _swap(new, artifact, Path(workshop) / "old")
    _report(artifact, written, [fault.replace(str(new), str(artifact)) for fault in faults])
    return artifact


def _spec(asked: Conversion) -> ModelSpec | None:
    """The model.toml of the folder, where it has one yet, after checking that it asks for a model of this kind."""
    if not asked.model.is_dir():
        raise Refusal(f"{asked.model}: there is no such folder; create it first, with a model.toml")
    if not asked.source.exists():
        raise Refusal(f"{asked.source}: there is no such file or folder; check the path")
    if asked.source.is_file() and asked.source.suffix not in _KERAS + _TORCH:
        known = ", ".join(_KERAS + _TORCH)
        raise Refusal(f"{asked.source}: has none of the suffixes {known}, and is no SavedModel folder; export one")
    file = asked.model / SPEC_NAME
    is_torch = asked.source.suffix in _TORCH and asked.source.is_file()
    if not file.exists():
        if is_torch:
            raise Refusal(f"{file}: is missing; PyTorch weights need one that names container, network and labels")
        return None
    spec = read_spec(file)
    if spec.model.container == SCRIPT_CONTAINER:
        raise Refusal(f"{file}: {SCRIPT_CONTAINER} serves files as they are; copy them into the artifact yourself")
    if (spec.model.framework == "pytorch") != is_torch:
        raise Refusal(f"{file}: model.framework is {spec.model.framework}, which {asked.source} is not; correct it")
    return spec


def _keep_labels(spec: ModelSpec | None, artifact: Path, new: Path) -> None:
    """A file of labels lives in the artifact and belongs to the user: it outlives the old weights."""
    if spec and isinstance(spec.model.labels, str) and (artifact / spec.model.labels).is_file():
        shutil.copyfile(artifact / spec.model.labels, new / spec.model.labels)


def _write(asked: Conversion, spec: ModelSpec | None, new: Path) -> Written:
    if asked.source.is_dir():
        return _write_saved_model(asked, spec, new)
    if asked.source.suffix in _KERAS:
        return _write_keras(asked, new)
    if spec is None:
        raise Refusal(f"{asked.model / SPEC_NAME}: is missing; add it")
    labels = len(read_labels(spec, new))
    with _quiet():
        from models import convert_torch  # noqa: PLC0415 PyTorch takes seconds
    given, answered = convert_torch.convert(asked.source, spec, labels, new)
    return Written({"input": given}, {"output": answered})


def _write_saved_model(asked: Conversion, spec: ModelSpec | None, new: Path) -> Written:
    from models import convert_saved_model  # noqa: PLC0415

    signature, notes = convert_saved_model.check(asked.source), []
    if _is_single(signature.outputs, asked) and (spec is None or spec.model.task == "image-classification"):
        with _quiet():
            notes.append(convert_saved_model.two_columns(asked.source, new))
    else:
        convert_saved_model.copy(asked.source, new)
    return _described(read_signature(new), notes=notes)


def _write_keras(asked: Conversion, new: Path) -> Written:
    with _quiet():
        from models import convert_keras  # noqa: PLC0415 TensorFlow takes seconds
    weights = _weights_of(asked) if asked.source.suffix == ".json" else None
    model, notes = convert_keras.load_keras(asked.source, weights), []
    scores = "logits" if convert_keras.ending(model) == "linear" else "probabilities"
    if _is_single({"output": tuple(size or -1 for size in model.outputs[0].shape)}, asked):
        model, note = convert_keras.two_columns(model, asked.source)
        scores, notes = "probabilities", [note]
    with _quiet():
        convert_keras.export(model, new)
    return _described(read_signature(new), scores, notes)


def _weights_of(asked: Conversion) -> Path:
    if asked.weights:
        return asked.weights
    beside = [file for file in sorted(asked.source.parent.iterdir()) if file.suffix in _WEIGHTS]
    if len(beside) != 1:
        raise Refusal(f"{asked.source}: {len(beside)} weight files lie beside it; name the right one with --weights")
    return beside[0]


def _is_single(outputs: Mapping[str, Shape], asked: Conversion) -> bool:
    """Whether one number for each picture comes out. Raises Refusal when --sigmoid says so and it is not."""
    single = len(outputs) == 1 and all(len(shape) == 2 and shape[-1] == 1 for shape in outputs.values())
    unknown = len(outputs) == 1 and all(not shape or shape[-1] == -1 for shape in outputs.values())
    if asked.sigmoid and not (single or unknown):
        raise Refusal(f"{asked.source}: gives {dict(outputs)}, not one number for each picture; leave --sigmoid out")
    return single or asked.sigmoid


def _described(signature: Signature, scores: str | None = None, notes: Sequence[str] = ()) -> Written:
    return Written(signature.inputs, signature.outputs, scores, list(notes))


def _swap(new: Path, artifact: Path, old: Path) -> None:
    """Puts the new folder in the old one's place; the old one comes back if that fails."""
    new.chmod(0o755)
    if artifact.exists():
        artifact.rename(old)
    try:
        new.rename(artifact)
    except OSError:
        if old.exists():
            old.rename(artifact)
        raise


@contextmanager
def _quiet() -> Iterator[None]:
    """TensorFlow greets on stderr from C++, before any setting for its log applies."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _report(artifact: Path, written: Written, faults: Sequence[str]) -> None:
    size = sum(file.stat().st_size for file in artifact.rglob("*") if file.is_file())
    print(f"{artifact}: {size:,} bytes")
    for what, shapes in (("input", written.inputs), ("output", written.outputs)):
        for name, shape in shapes.items():
            print(f"  {what} {name} {list(shape)}")
    for note in written.notes:
        print(f"  {note}")
    print(f"check in {artifact.parent / SPEC_NAME}:")
    print("\n".join(f"  {line}" for line in _lines_to_check(written)))
    for fault in faults:
        print(f"to correct: {fault}")


def _lines_to_check(written: Written) -> Iterator[str]:
    """The lines of model.toml that the files themselves suggest, and those that only the user knows."""
    outputs, inputs = list(written.outputs.values()), list(written.inputs.values())
    if len(outputs) == 1 and outputs[0]:
        yield f"labels = [...]                # {outputs[0][-1]} names, in the order of the outputs"
    if len(inputs) == 1 and len(inputs[0]) == 4:
        first = inputs[0][1] == 3
        height, width = inputs[0][2:] if first else inputs[0][1:3]
        yield f"size = [{height}, {width}]".ljust(30) + "# of [input]; -1 is any: write your own"
        yield f'layout = "{"NCHW" if first else "NHWC"}"'
        yield "channels, mean, std, resize   # as the pictures were prepared in training"
    if written.scores:
        yield f'scores = "{written.scores}"'.ljust(30) + "# of [output]"


if __name__ == "__main__":
    raise SystemExit(main())
