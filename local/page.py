"""The page of web/ at /, as CloudFront serves it: the same files and headers, and a configuration of its own."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.responses import Response

from contract.media import JSON
from contract.page import CONTENT_TYPES, security_headers
from local.assembly import Api
from models.registry import ROOT, Model
from models.samples import listed, sample_type, samples

INDEX = "index.html"
SHOWN_BY_PAGE = ("KEY", "TOKEN")
"""The variables of local.callers that a page can make use of: it signs nothing."""
_SHOWN = {"token": "COGNITO_USER_POOLS", "signature": "AWS_IAM"}


class Page:
    """The page's files, and the models' samples, by path; it calls `api`, and uploads to `elsewhere`."""

    def __init__(self, models: Sequence[Model], api: Api, *elsewhere: str) -> None:
        files = {file.name: file for file in (ROOT / "web").iterdir() if file.is_file()}
        for model in models:
            files |= samples(model)
        self._files: Mapping[str, Path] = files
        samples_of = {model.spec.name: listed(model) for model in models}
        self._config = json.dumps({"api": "", "shows": _shown(api), "samples": samples_of})
        self._headers = {**security_headers(*elsewhere), "Cache-Control": "no-cache"}

    def answer(self, path: str) -> Response | None:
        """The file at `path`, or None where there is none."""
        name = path.strip("/") or INDEX
        if name == "config.json":
            return Response(self._config, headers=self._headers, media_type=JSON)
        file = self._files.get(name)
        if file is None:
            return None
        kind = CONTENT_TYPES.get(file.suffix) or sample_type(file)
        return Response(file.read_bytes(), headers=self._headers, media_type=kind)


def _shown(api: Api) -> list[str]:
    """What a call has to show, of what a page can and cannot."""
    asked = {route.authorization for route in api.routes}
    keys = ["key"] if any(route.key_required for route in api.routes) else []
    return [word for word, kind in _SHOWN.items() if kind in asked] + keys
