"""What the server does with a request for sign language: landmarks, sent or found in a clip -> the likeliest glosses.

OpenCV and MediaPipe are imported when the first clip arrives: half a second that a cold start for landmarks is spared.
"""

import logging
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from contract.errors import ApiError, InvalidKeypoints, ModelFailed, UnsupportedMediaType, UrlInputUnsupported
from contract.limits import VIDEOS
from contract.media import ACCEPTS, JSON, sniff, wants_csv
from contract.options import Options
from model_server import strict_json
from model_server.answers import Answer, as_csv, json_answer, rank
from model_server.engines import Array, Engine, only
from model_server.logs import fields, reason
from model_server.predictor import ModelUnusable, Request, infer, withhold
from model_server.scores import fault_of, probabilities
from models.labels import Labels
from models.spec import ModelSpec
from sign_language.keypoints import COUNT, Landmarks, read_keypoints
from sign_language.normalisation import normalise

TOP_K = 5
_EXAMPLE_FRAMES = 32

log = logging.getLogger(__name__)


class SignLanguage:
    """Serves one classifier of isolated signs on one engine."""

    def __init__(self, spec: ModelSpec, labels: Labels, engine: Engine) -> None:
        self.spec = spec
        self._labels, self._names = labels, tuple(labels.values())
        self._engine = engine

    def warm_up(self) -> None:
        """The first inference, on landmarks all over the picture. Raises ModelUnusable, EngineError.

        Not on a single frame: OpenVINO 2026.4.1 then drops a transposition, which moves nothing there, for good, and
        answers every longer clip wrongly.
        """
        points = np.linspace(0.1, 0.9, _EXAMPLE_FRAMES * COUNT * 2, dtype=np.float32)
        example = normalise(points.reshape(_EXAMPLE_FRAMES, COUNT, 2))
        fault = fault_of(only(self._engine.warm_up(example, dynamic_axes=(0,))), 1, self._labels, self.spec.output)
        if fault:
            raise ModelUnusable(f"model.toml: {fault}")

    def answer(self, request: Request) -> Answer:
        """The glosses of one clip, best first."""
        with request.timings.adding_to("decode"):
            landmarks, options = self._read(request)
        request.deadline.check()
        with request.timings.adding_to("inference"):
            scores = self.scores(landmarks)
        with request.timings.adding_to("encode"):
            ranking = rank(scores, self._names, options)
            if wants_csv(request.accept):
                return as_csv([ranking])
            return json_answer(self.spec.model, {"instances": [{"gloss": gloss, "score": s} for gloss, s in ranking]})

    def _read(self, request: Request) -> tuple[Landmarks, Options]:
        options = replace(request.options, top_k=request.options.top_k or TOP_K)
        if request.media_type == JSON:
            return _from_json(request.body, options)
        if sniff(request.body) != request.media_type:
            raise UnsupportedMediaType(accepts=", ".join(ACCEPTS[self.spec.model.task]))
        return _from_video(request), options

    def scores(self, landmarks: Landmarks) -> Array:
        """The probability of each gloss. Raises ModelFailed, ModelOutputInvalid."""
        outputs = only(infer(self._engine, normalise(landmarks)))
        fault = fault_of(outputs, 1, self._labels, self.spec.output)
        if fault:
            withhold(fault)
        scores: Array = probabilities(outputs, self.spec.output)[0]
        return scores


def _from_json(body: bytes, asked: Options) -> tuple[Landmarks, Options]:
    """Raises MalformedJson, UrlInputUnsupported, InvalidKeypoints, InvalidParameter."""
    content = strict_json.parse(body)
    if not isinstance(content, dict):
        raise InvalidKeypoints(max_frames=VIDEOS.max_frames)
    if "url" in content:
        raise UrlInputUnsupported
    return read_keypoints(content.get("keypoints_list")), Options.read(content).over(asked)


def _from_video(request: Request) -> Landmarks:
    """Raises VideoUndecodable, VideoTooLong, NoPersonFound, ModelTimeout, ModelFailed."""
    try:
        from sign_language.landmarks import find_landmarks  # noqa: PLC0415 see above
        from sign_language.video import read_frames  # noqa: PLC0415

        return find_landmarks(read_frames(request.body, request.deadline))
    except ApiError:
        raise
    except ImportError as error:
        _fail("a clip needs a package that is not installed here: install requirements-cpu.txt", error)
    except Exception as error:
        _fail("no landmarks could be found", error)


def _fail(what: str, error: Exception) -> NoReturn:
    log.error(what, extra=fields(reason=reason(error)))
    raise ModelFailed from error


def build(spec: ModelSpec, labels: Labels, engine: Engine, _model_dir: Path) -> SignLanguage:
    """The predictor of this container."""
    return SignLanguage(spec, labels, engine)
