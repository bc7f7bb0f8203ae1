"""What stands in for a function that the script does not define.

| function | default |
|---|---|
| `model_fn` | the TorchScript module in model.pth or model.pt |
| `input_fn` | JSON, CSV or NPY of numbers -> a float32 tensor; a picture too, where model.toml has an [input] size |
| `predict_fn` | `model(data)` without gradients, on the GPU when there is one |
| `output_fn` | the tensor as JSON, CSV or NPY, by Accept |

None of them unpickles: TorchScript is no pickle of classes, and NPY is read without objects.
"""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from contract.errors import InvalidArray, UnsupportedMediaType
from contract.media import CSV, IMAGES, JSON, sniff, wants_csv
from model_server import strict_json
from model_server.engines import EngineError
from model_server.images import decode_image
from model_server.predictor import withhold
from model_server.preprocess import prepare
from models.spec import InputSpec

NPY = "application/x-npy"
TEXTS = (JSON, CSV)
"""The types whose body a function is given as str, not as bytes."""

_FILES = ("model.pth", "model.pt")


def device() -> torch.device:
    """The GPU when there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def model_fn(model_dir: Path) -> torch.nn.Module:
    """The TorchScript module in `model_dir`. Raises EngineError."""
    file = next((model_dir / name for name in _FILES if (model_dir / name).is_file()), None)
    if file is None:
        raise EngineError(f"there is no {' or '.join(_FILES)}, and code/inference.py defines no model_fn; add either")
    try:
        module: torch.nn.Module = torch.jit.load(str(file), map_location=device())  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise EngineError(f"{file.name} is no TorchScript; define model_fn in code/inference.py to load it") from error
    return module.eval()


def input_fn(body: bytes, content_type: str, spec: InputSpec) -> torch.Tensor:
    """The body as a float32 tensor of whatever shape it has; a picture as a batch of one.

    Raises UnsupportedMediaType, MalformedJson, InvalidArray, and the errors of `decode_image`.
    """
    if content_type in IMAGES and spec.size is not None and sniff(body) == content_type:
        return torch.from_numpy(prepare(decode_image(body), spec)[None]).to(device())
    if content_type not in (*TEXTS, NPY):
        raise UnsupportedMediaType(accepts=", ".join((*TEXTS, NPY)))
    try:
        numbers = _numbers(body, content_type)
    except (ValueError, TypeError, EOFError, OverflowError) as error:
        raise InvalidArray from error
    if numbers.size == 0 or not np.isfinite(numbers).all():
        raise InvalidArray
    return torch.from_numpy(np.ascontiguousarray(numbers)).to(device())


def _numbers(body: bytes, content_type: str) -> NDArray[np.float32]:
    if content_type == JSON:
        return np.asarray(strict_json.parse(body), np.float32)
    if content_type == CSV:
        return np.loadtxt(io.StringIO(body.decode()), np.float32, delimiter=",", ndmin=2)
    numbers: NDArray[np.float32] = np.load(io.BytesIO(body), allow_pickle=False).astype(np.float32)
    return numbers


def predict_fn(data: Any, model: Any) -> Any:
    """What `model` makes of `data`."""
    with torch.inference_mode():
        return model(data)


def output_fn(prediction: Any, accept: str) -> tuple[bytes, str]:
    """The body and its type. Raises ModelOutputInvalid for anything but finite numbers."""
    try:
        values = np.asarray(
            prediction.detach().cpu() if isinstance(prediction, torch.Tensor) else prediction, np.float64
        )
    except (ValueError, TypeError) as error:
        withhold(f"the prediction is no array of numbers ({type(error).__name__}); define output_fn")
    if not np.isfinite(values).all():
        withhold("the prediction holds NaN or Inf")
    if NPY in accept:
        out = io.BytesIO()
        np.save(out, values.astype(np.float32), allow_pickle=False)
        return out.getvalue(), NPY
    if wants_csv(accept):
        text = io.StringIO()
        np.savetxt(text, values.reshape(len(values) if values.ndim else 1, -1), fmt="%.9g", delimiter=",")
        return text.getvalue().encode(), CSV
    return json.dumps(values.tolist()).encode(), JSON
