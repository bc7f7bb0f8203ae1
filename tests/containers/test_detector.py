"""A detector behind a real server: what is seen lies where it was sent, in each form of the answer, on each engine."""

import base64
import csv
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.containers.pictures import encoded
from tests.containers.server_process import Server, serving

RED = (255, 0, 0)
LETTERBOX = 'size = [64, 64]\nresize = "letterbox"'
EXPORTS = {
    "free_size": ("export_detector", "", {}),
    "stretched": ("export_detector", "size = [64, 64]", {}),
    "letterboxed": ("export_detector", LETTERBOX, {}),
    "frozen": ("export_frozen_detector", LETTERBOX, {}),
    "on_tensorflow": ("export_detector", "", {"MODEL_SERVER_ENGINE": "tensorflow"}),
    "frozen_on_tensorflow": ("export_frozen_detector", LETTERBOX, {"MODEL_SERVER_ENGINE": "tensorflow"}),
}
"""Name of a server -> how its model is exported, its [input], its environment."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Starts a server of EXPORTS when it is first asked for; all stop at the end."""
    from tests.containers import detectors  # noqa: PLC0415 TensorFlow takes seconds

    folder, running = tmp_path_factory.mktemp("detectors"), {}

    def of(name: str) -> Server:
        if name not in running:
            export, given, environment = EXPORTS[name]
            model_dir = getattr(detectors, export)(folder / name, given=given)
            context = serving(model_dir, folder / f"{name}.log", **environment)
            running[name] = context, context.__enter__()
        return running[name][1]

    yield of
    for context, _ in running.values():
        context.__exit__(None, None, None)


@pytest.fixture(scope="module", params=EXPORTS)
def server(request, servers):
    return servers(request.param)


@pytest.fixture(scope="module")
def free_size(servers):
    return servers("free_size")


def bright(size=(192, 96), box=(48, 24, 96, 84), fault: int = 0) -> Image.Image:
    """A white rectangle on black: x0, y0, x1, y1 in pixels, of which x1 and y1 are the first dark ones."""
    image = Image.new("RGB", size)
    image.paste("white", box)
    image.putpixel((0, 0), (fault, 0, 0))
    return image


def as_fractions(box, size) -> list[float]:
    return [box[0] / size[0], box[1] / size[1], box[2] / size[0], box[3] / size[1]]


def boxes_of(answer: dict) -> dict[str, list[float]]:
    """The best box of each label."""
    return {item["label"]: item["box"] for item in reversed(answer["detections"])}


def test_says_each_detection_twice_best_first(server):
    answer = server.predict(encoded(bright()), "image/png").json()
    assert list(answer) == ["model", "version", "prediction", "detections", "notice"]
    assert [(item["label"], item["score"]) for item in answer["detections"]][:3] == [
        ("cat", pytest.approx(0.9)),
        ("dog", pytest.approx(0.6)),
        ("class 17", pytest.approx(0.4)),
    ]
    ids = {"cat": 3, "dog": 7, "class 17": 17}
    told = [[ids[item["label"]], item["score"], *item["box"]] for item in answer["detections"]]
    assert answer["prediction"] == told
    assert all(type(row[0]) is int for row in answer["prediction"])


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((192, 96), (48, 24, 96, 84)),
        ((96, 192), (0, 48, 96, 120)),
        ((128, 128), (64, 0, 128, 32)),
        ((320, 64), (30, 10, 290, 40)),
    ],
)
def test_boxes_are_fractions_of_the_picture_that_was_sent(server, size, box):
    answer = server.predict(encoded(bright(size, box)), "image/png").json()
    cell = [2.1 / 64 * max(size) / side for side in size] * 2  # resizing to 64 pixels may move an edge by as much
    expected = as_fractions(box, size)
    for got, want, tolerance in zip(boxes_of(answer)["cat"], expected, cell, strict=True):
        assert got == pytest.approx(want, abs=tolerance)
    left, top, right, bottom = boxes_of(answer)["cat"]
    half = pytest.approx([left, top, (left + right) / 2, bottom], abs=0.02)
    assert boxes_of(answer)["dog"] == half


def test_a_picture_keeps_its_pixels_where_no_size_is_given(free_size):
    size, box = (211, 97), (13, 5, 120, 71)
    answer = free_size.predict(encoded(bright(size, box)), "image/png").json()
    assert boxes_of(answer)["cat"] == pytest.approx(as_fractions(box, size), abs=1e-6)


def test_a_large_picture_is_scaled_down_where_no_size_is_given(free_size):
    size, box = (3072, 1536), (300, 30, 2700, 1200)
    answer = free_size.predict(encoded(bright(size, box)), "image/png").json()
    assert boxes_of(answer)["cat"] == pytest.approx(as_fractions(box, size), abs=1 / 1024)


def test_what_lies_in_a_letterboxs_margin_is_no_detection(servers):
    corner = [0, 0, pytest.approx(1 / 16), pytest.approx(1 / 16)]
    wide = servers("letterboxed").predict(encoded(bright()), "image/png", accept="application/json").json()
    assert [item["label"] for item in wide["detections"]] == ["cat", "dog", "class 17"]
    square = servers("letterboxed").predict(encoded(bright((96, 96))), "image/png").json()
    assert square["detections"][-1]["box"] == corner
    whole = servers("letterboxed").predict_json(json_of(bright(), threshold=0.05)).json()
    assert whole["detections"][-1] == {"label": "cat", "score": pytest.approx(0.1), "box": [0, 0, 1, 1]}


def json_of(image: Image.Image, **options) -> dict:
    return {"image": base64.b64encode(encoded(image)).decode()} | options


@pytest.mark.parametrize(
    ("options", "scores"),
    [
        ({}, [0.9, 0.6, 0.4, 0.35]),
        ({"threshold": 0}, [0.9, 0.6, 0.4, 0.35, 0.1]),
        ({"threshold": 0.5}, [0.9, 0.6]),
        ({"threshold": 0.95}, []),
        ({"top_k": 1}, [0.9]),
        ({"top_k": 3, "threshold": 0.2}, [0.9, 0.6, 0.4]),
    ],
)
def test_threshold_and_top_k_choose_the_best(free_size, options, scores):
    by_body = free_size.predict_json(json_of(bright(), **options)).json()
    attributes = {"x_amzn_sagemaker_custom_attributes": ",".join(f"{key}={value}" for key, value in options.items())}
    by_header = free_size.predict(encoded(bright()), "image/png", **attributes).json()
    assert [row[1] for row in by_body["prediction"]] == pytest.approx(scores)
    assert by_body == by_header


def test_several_pictures_of_several_sizes_are_answered_in_their_order(server):
    pictures = [bright(), bright((100, 300), (10, 40, 90, 280)), bright((64, 64), (8, 8, 24, 56))]
    instances = [json_of(picture)["image"] for picture in pictures]
    answer = server.predict_json({"instances": instances}).json()
    assert list(answer) == ["model", "version", "instances", "notice"]
    alone = [server.predict(encoded(picture), "image/png").json() for picture in pictures]
    assert answer["instances"] == [
        {"prediction": each["prediction"], "detections": each["detections"]} for each in alone
    ]


def test_csv_has_a_line_for_each_picture(free_size):
    instances = [json_of(bright())["image"], json_of(bright((64, 64)))["image"]]
    reply = free_size.predict_json({"instances": instances, "threshold": 0.5}, accept="text/csv")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    wide, square = csv.reader(io.StringIO(reply.response.text))
    answer = free_size.predict_json({"instances": instances, "threshold": 0.5}).json()
    for cells, told in zip((wide, square), answer["instances"], strict=True):
        assert [float(cell) for cell in cells] == [value for row in told["prediction"] for value in row]
    nothing = free_size.predict_json(json_of(bright(), threshold=1), accept="text/csv")
    assert (nothing.status, nothing.response.text) == (200, "\n")


def draw_boxes(picture: bytes, answer: dict, threshold: float) -> Image.Image:
    """As clients of the JSON API do it: rows of `prediction`, fractions times width and height, one outline each."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    pen = ImageDraw.Draw(image)
    for _, score, x0, y0, x1, y1 in answer["prediction"]:
        if score < threshold:
            continue
        left, top = int(x0 * image.width + 0.5), int(y0 * image.height + 0.5)
        right, bottom = int(x1 * image.width + 0.5), int(y1 * image.height + 0.5)
        pen.rectangle((left, top, right - 1, bottom - 1), outline=RED)
    return image


def test_a_client_of_the_json_api_draws_boxes_on_the_objects_edges(free_size):
    left, top, right, bottom = box = (31, 17, 121, 90)
    picture = encoded(bright((180, 120), box))
    body = {"image": base64.b64encode(picture).decode("ascii")}
    drawn = np.asarray(draw_boxes(picture, free_size.predict_json(body).json(), threshold=0.8))
    is_red = (drawn == RED).all(axis=2)
    outline = np.zeros_like(is_red)
    outline[top:bottom, left:right] = True
    outline[top + 1 : bottom - 1, left + 1 : right - 1] = False
    assert np.array_equal(is_red, outline)


@pytest.mark.parametrize("engine", ["free_size", "on_tensorflow"])
@pytest.mark.parametrize("fault", range(1, 6), ids=["nan", "scores", "pixels", "count", "classes"])
def test_withholds_what_no_detector_may_say(servers, engine, fault):
    server = servers(engine)
    refused = server.predict(encoded(bright(fault=fault)), "image/png")
    assert (refused.status, refused.code) == (502, "MODEL_OUTPUT_INVALID")
    assert any(line.get("reason", "").startswith("the model gives") for line in server.log_lines())
    assert server.predict(encoded(bright()), "image/png").status == 200


def test_withholds_a_box_that_ends_before_it_begins(free_size):
    dark = free_size.predict(encoded(Image.new("RGB", (64, 64))), "image/png")
    assert (dark.status, dark.code) == (502, "MODEL_OUTPUT_INVALID")
    assert free_size.predict(encoded(bright()), "image/png").status == 200


def test_one_unusable_picture_among_several_refuses_the_request(free_size):
    good = json_of(bright())["image"]
    damaged = base64.b64encode(encoded(bright())[:60]).decode()
    refused = free_size.predict_json({"instances": [good, damaged]})
    assert (refused.status, refused.code) == (422, "IMAGE_UNDECODABLE")
    assert free_size.predict_json({"instances": [good, good]}).status == 200


def test_refuses_keypoints_and_clips(free_size):
    clip = free_size.predict(b"\0\0\0\x18ftypmp42" + bytes(100), "video/mp4")
    assert (clip.status, clip.code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    keypoints = free_size.predict_json({"keypoints_list": [[[0, 0]] * 54]})
    assert (keypoints.status, keypoints.code) == (400, "INVALID_REQUEST")
    assert free_size.predict(encoded(bright(), "JPEG", quality=95), "image/jpeg").status == 200


def test_a_model_without_the_signature_never_gets_ready_and_one_line_says_what_it_has(start, tmp_path, free_size):
    from tests.containers.detectors import export_nameless_detector  # noqa: PLC0415

    nameless = start(export_nameless_detector(tmp_path / "nameless"))
    assert nameless.process.wait(60) != 0
    (line,) = [line for line in nameless.log_lines() if "detection_boxes" in str(line)]
    assert "has no detection_boxes, detection_scores, detection_classes, num_detections, but boxes, scores" in str(line)
    assert free_size.predict(encoded(bright()), "image/png").status == 200
