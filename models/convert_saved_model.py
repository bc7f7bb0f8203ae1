"""A SavedModel folder -> the same files in the artifact, and nothing else that lay beside them.

Only `two_columns` needs TensorFlow, and imports it.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from models.convert_refusal import Refusal, first_line
from models.saved_model import FILE, SIGNATURE, NotASavedModel, Signature, read_signature

_PARTS = (FILE, "fingerprint.pb", "variables", "assets", "assets.extra")


def check(source: Path) -> Signature:
    """The signature of the SavedModel in `source`. Raises Refusal when it is damaged or not whole."""
    try:
        signature = read_signature(source)
    except NotASavedModel as error:
        raise Refusal(f"{error}; export a SavedModel there with model.export() or tf.saved_model.save()") from error
    for file in _files(source):
        if file.is_symlink() or not file.is_file():
            raise Refusal(f"{file}: is a link or no plain file; put the file itself there")
    shards = sorted((source / "variables").glob("variables.data-*-of-*"))
    expected = int(shards[0].name.rpartition("-")[2]) if shards else 0
    has_index = (source / "variables" / "variables.index").is_file()
    if len(shards) != expected or bool(shards) != has_index:
        raise Refusal(f"{source / 'variables'}: lacks some of its files; copy the whole folder again")
    return signature


def copy(source: Path, folder: Path) -> None:
    """Copies the parts of the SavedModel that `check` has passed; only their content, no mode or time."""
    for file in _files(source):
        target = folder / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target, follow_symlinks=False)


def two_columns(source: Path, folder: Path) -> str:
    """Writes the SavedModel with its one output p made [1 - p, p]; says so."""
    import tensorflow as tf  # noqa: PLC0415

    try:
        loaded = tf.saved_model.load(str(source))
        serve = loaded.signatures[SIGNATURE]
        ((name, example),) = serve.structured_input_signature[1].items()

        @tf.function(input_signature=[example])  # type: ignore[untyped-decorator]
        def classify(pictures: object) -> dict[str, object]:
            (score,) = serve(**{name: pictures}).values()
            score = tf.reshape(score, [-1, 1])
            return {"scores": tf.concat([1 - score, score], axis=1)}

        module = tf.Module()
        module.network = loaded
        tf.saved_model.save(module, str(folder), signatures=classify)
    except Exception as error:
        raise Refusal(f"{source}: TensorFlow cannot load it: {first_line(error)}; export it again") from error
    return (
        "the network's one output p, of the second label, became two: [1 - p, p]; it must be a probability, "
        "which a SavedModel does not tell"
    )


def _files(source: Path) -> Iterator[Path]:
    for part in _PARTS:
        path = source / part
        if path.is_dir() and not path.is_symlink():
            yield from (file for file in sorted(path.rglob("*")) if file.is_symlink() or not file.is_dir())
        elif path.exists() or path.is_symlink():
            yield path
