"""Writes the reference pages from the code that they describe: `make docs`. A test holds them to it."""

import inspect
import types
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contract.errors import TABLE
from contract.limits import BODIES, IMAGES, REQUESTS, TIMEOUTS, VIDEOS
from contract.media import ACCEPTS
from docs.machine import machine_picture
from docs.stages_page import stages_page
from models.capture import DataCapture
from models.component import Component
from models.drift import Drift
from models.endpoints import AsyncEndpoint, LambdaEndpoint, ServerlessEndpoint
from models.input_output import InputSpec, OutputSpec
from models.realtime import RealtimeEndpoint
from models.registry import max_body_bytes
from models.rollout import Rollout
from models.spec import ModelTable
from models.training import Training
from models.variants import Variant
from models.vpc import Vpc

FOLDER = Path(__file__).resolve().parent
_TABLES: dict[str, type[BaseModel]] = {
    "`[model]`": ModelTable,
    "`[input]`": InputSpec,
    "`[output]`": OutputSpec,
    '`[endpoints.NAME]` with `kind = "serverless"`': ServerlessEndpoint,
    '`[endpoints.NAME]` with `kind = "realtime"`': RealtimeEndpoint,
    "`[endpoints.NAME.variants.VARIANT]`, of a realtime endpoint": Variant,
    "`[endpoints.NAME.rollout]`, of a realtime endpoint": Rollout,
    "`[endpoints.NAME.data_capture]`, of a realtime endpoint": DataCapture,
    "`[endpoints.NAME.data_capture.drift]`, of a realtime endpoint": Drift,
    "`[endpoints.NAME.vpc]`, of a realtime endpoint, and `[training.vpc]`": Vpc,
    "`[endpoints.NAME.component]`, of a realtime endpoint": Component,
    '`[endpoints.NAME]` with `kind = "async"`': AsyncEndpoint,
    '`[endpoints.NAME]` with `kind = "lambda"`': LambdaEndpoint,
    "`[training]`": Training,
}
_MADE = "<!-- Made by `make docs`; edit the code instead. -->\n"


def errors_page() -> str:
    """docs/errors.md."""
    rows = [
        f"| {error.case} | {error.status} | `{code}` | {_message(error.message)} | {_wait(error.retry_after_s)} |"
        for code, error in sorted(TABLE.items(), key=lambda item: item[1].status)
    ]
    table = ["| case | status | code | message | Retry-After |", "|---|---|---|---|---|", *rows]
    return f"""{_MADE}
# Errors

Every answer other than 200 has one form, whoever gives it: the gateway, the proxy or the model server.

```json
{{"error": {{"code": "EMPTY_BODY", "message": "…", "request_id": "…"}}}}
```

The code is stable and is what programs should look at. The message is made of our own words: nothing that
the client, a library or AWS said is in it. The request id finds the reason in the logs.

{chr(10).join(table)}

## Limits

| what | limit |
|---|---|
| body for a serverless endpoint | {max_body_bytes("serverless"):,} bytes |
| body for a real-time endpoint, through the API | {max_body_bytes("realtime"):,} bytes |
| body for a Lambda endpoint, through the API or by its URL | {max_body_bytes("lambda"):,} bytes |
| body for an asynchronous endpoint, by an upload | {max_body_bytes("async"):,} bytes |
| body for a real-time endpoint, by InvokeEndpoint | {BODIES.realtime:,} bytes |
| pixels in an image | {IMAGES.max_pixels:,} |
| shorter side of an image | {IMAGES.min_side_px} pixels |
| images in `instances` | {REQUESTS.max_instances} |
| length of a video | {VIDEOS.max_duration_s} s |
| pixels in a frame of a video | {VIDEOS.max_frame_pixels:,} |
| frames in `keypoints_list` | {VIDEOS.max_frames} |
| depth of JSON | {REQUESTS.max_json_depth} |
| values in JSON | {REQUESTS.max_json_values:,} |

The hops give up from the inside out: container {TIMEOUTS.container_s} s, SDK {TIMEOUTS.sdk_read_s} s, \
function {TIMEOUTS.function_s} s, gateway {TIMEOUTS.gateway_s} s.
"""


def model_toml_page() -> str:
    """docs/model-toml.md."""
    accepts = "\n".join(f"- `{task}`: {', '.join(f'`{kind}`' for kind in kinds)}" for task, kinds in ACCEPTS.items())
    tables = "\n".join(f"## {title}\n\n{_docstring(table)}\n\n{_keys(table)}\n" for title, table in _TABLES.items())
    return f"""{_MADE}
# model.toml

One file says everything about a model. A folder of `models/` that holds one is a model; nothing else lists it.
Unknown keys are refused, and every fault is one line with the file, the key and the remedy.

{tables}
Any number of endpoints can stand side by side; the first that is not asynchronous is the default.

## What a request may be

{accepts}
"""


def _keys(table: type[BaseModel]) -> str:
    rows = [
        f"| `{name}` | {_type(field)} | {_default(field)} | {field.description} |"
        for name, field in table.model_fields.items()
    ]
    return "\n".join(["| key | type | default | what |", "|---|---|---|---|", *rows])


def _type(field: FieldInfo) -> str:
    return " or ".join(dict.fromkeys(_names(field.annotation)))


def _names(kind: Any) -> Iterator[str]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        yield from (f"`{choice!r}`".replace("'", '"') for choice in inner)
    elif origin in (Union, types.UnionType):
        for choice in inner:
            yield from _names(choice) if choice is not type(None) else ()
    elif origin is tuple:
        count = "any number of" if inner[-1] is ... else str(len(inner))
        yield f"{count} × {next(_names(inner[0]))}"
    elif origin is dict:
        yield "table" if inner[1] is str else "tables"
    elif hasattr(kind, "__metadata__"):
        yield from _names(inner[0])
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield "table"
    else:
        yield {str: "string", int: "integer", float: "number", bool: "true or false"}[kind]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None or field.default_factory:
        return "none"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{str(value).lower() if isinstance(value, bool) else repr(value)}`".replace("'", '"')


def _docstring(table: type[BaseModel]) -> str:
    return inspect.cleandoc(table.__doc__ or "")


def _message(template: str) -> str:
    return template.replace("{{", "{").replace("}}", "}").replace("|", "\\|")


def _wait(seconds: int | None) -> str:
    return "" if seconds is None else f"{seconds} s"


PAGES: dict[str, Callable[[], str]] = {
    "errors.md": errors_page,
    "model-toml.md": model_toml_page,
    "stages.md": partial(stages_page, _MADE),
    "retraining.svg": machine_picture,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(f"docs/{name}")
