"""What stands in for a function that the script does not define, as in the SageMaker PyTorch containers.

| function | default |
|---|---|
| `model_fn` | the TorchScript module in model.pt, in model.pth, or in the one file that ends so |
| `input_fn` | JSON, CSV or NPY of numbers -> a float32 tensor; a picture too, where model.toml has an [input] size |
| `predict_fn` | `model(data)` in evaluation mode without gradients, on the GPU when there is one |
| `output_fn` | what was predicted as JSON; a tensor as CSV or NPY too, by Accept |

None of them unpickles: TorchScript is no pickle of classes, and NPY is read without objects.
"""

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from contract.errors import ApiError, InvalidArray, UnsupportedMediaType
from contract.media import CSV, IMAGES, JSON, sniff, wants_csv
from model_server import strict_json
from model_server.engines import EngineError
from model_server.images import decode_image
from model_server.logs import reason
from model_server.predictor import withhold
from model_server.preprocess import needed_side, prepare
from models.input_output import InputSpec

NPY = "application/x-npy"
TEXTS = (JSON, CSV)
"""The types whose body a function is given as str, not as bytes."""

_NUMBERS = "biuf"  # numpy's kinds: bool, int, unsigned int, float
_ENDINGS = (".pt", ".pth")


def device() -> torch.device:
    """The GPU when there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def model_fn(model_dir: Path) -> torch.nn.Module:
    """The TorchScript module in `model_dir`. Raises EngineError."""
    file = _model_file(model_dir)
    try:
        module: torch.nn.Module = torch.jit.load(str(file), map_location=device())  # type: ignore[no-untyped-call]
    except Exception as error:
        raise EngineError(
            f"{file.name} does not load as TorchScript; define model_fn in code/inference.py, "
            f"as a state dict needs: {reason(error)}"
        ) from error
    return module.eval()


def _model_file(model_dir: Path) -> Path:
    files = sorted(file for file in model_dir.iterdir() if file.suffix in _ENDINGS and file.is_file())
    named = [file for ending in _ENDINGS for file in files if file.name == f"model{ending}"]
    if named or len(files) == 1:
        return (named or files)[0]
    raise EngineError("there is no model.pth or model.pt, and code/inference.py defines no model_fn; add either")


def input_fn(body: bytes, content_type: str, spec: InputSpec) -> torch.Tensor:
    """The body as a float32 tensor of whatever shape it has; a picture as a batch of one.

    Raises UnsupportedMediaType, MalformedJson, InvalidArray, and the errors of `decode_image`.
    """
    takes = (*TEXTS, NPY, *(IMAGES if spec.size else ()))
    if content_type not in takes or (content_type in IMAGES and sniff(body) != content_type):
        raise UnsupportedMediaType(accepts=", ".join(takes))
    if content_type in IMAGES:
        return torch.from_numpy(prepare(decode_image(body, needed_side(spec)), spec)[None]).to(device())
    try:
        numbers = _numbers(body, content_type)
    except ApiError:
        raise
    except Exception as error:  # NumPy raises a dozen kinds over a damaged header
        raise InvalidArray from error
    if numbers.dtype.kind not in _NUMBERS:
        raise InvalidArray
    with np.errstate(over="ignore"):
        numbers = numbers.astype(np.float32, order="C")
    if numbers.size == 0 or not np.isfinite(numbers).all():
        raise InvalidArray
    return torch.from_numpy(numbers).to(device())


def _numbers(body: bytes, content_type: str) -> NDArray[Any]:
    if content_type == JSON:
        return np.asarray(strict_json.parse(body))
    if content_type == CSV:
        return np.loadtxt(io.StringIO(body.decode()), delimiter=",", comments=None)
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(body), allow_pickle=False)
    return array


def predict_fn(data: Any, model: Any) -> Any:
    """What `model` makes of `data`."""
    if isinstance(model, torch.nn.Module):
        model = model.to(device()).eval()
    if isinstance(data, torch.Tensor):
        data = data.to(device())
    with torch.no_grad():
        return model(data)


def output_fn(prediction: Any, accept: str) -> tuple[bytes, str]:
    """The body and its type. Raises ModelOutputInvalid for what cannot be encoded, NaN and Inf among it."""
    if NPY in accept:
        out = io.BytesIO()
        np.save(out, _finite(prediction), allow_pickle=False)
        return out.getvalue(), NPY
    if wants_csv(accept):
        values, text = np.atleast_1d(_finite(prediction)), io.StringIO()
        np.savetxt(text, values.reshape(len(values), math.prod(values.shape[1:])), fmt="%s", delimiter=",")
        return text.getvalue().encode(), CSV
    try:
        return json.dumps(prediction, default=_listed, allow_nan=False).encode(), JSON
    except (ValueError, TypeError, RuntimeError) as error:
        withhold(f"the prediction cannot be written as JSON ({reason(error)}); define output_fn")


def _listed(value: Any) -> Any:
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is neither a tensor nor an array")


def _finite(prediction: Any) -> NDArray[Any]:
    if isinstance(prediction, torch.Tensor):
        prediction = prediction.detach().cpu()
        prediction = prediction.float() if prediction.dtype == torch.bfloat16 else prediction  # NumPy has none
    try:
        values = np.asarray(prediction)
    except (ValueError, TypeError, RuntimeError) as error:
        withhold(f"the prediction is no array of numbers ({type(error).__name__}); define output_fn")
    if values.dtype.kind not in _NUMBERS:
        withhold("the prediction is no array of numbers; define output_fn")
    if not np.isfinite(values).all():
        withhold("the prediction holds NaN or Inf")
    return values
