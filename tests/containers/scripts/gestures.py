"""A script as published sign language examples write it; relative paths, its own module, torch.load, prints."""

import json

import numpy as np
import torch
from network import Gestures

LABELS = json.load(open("./code/labels.json"))  # noqa: PTH123, SIM115 as users write it


def model_fn(model_dir):
    model = Gestures(len(LABELS))
    model.load_state_dict(torch.load(f"{model_dir}/model.pth"))
    print("loaded", model_dir)
    return model.eval()


def input_fn(request_body, request_content_type):
    assert request_content_type == "application/json"
    return torch.from_numpy(np.array(json.loads(request_body)["keypoints_list"], np.float32))


def predict_fn(data, model):
    with torch.no_grad():
        return model(data).softmax(-1)


def output_fn(prediction, accept):
    best = prediction.topk(2)
    instances = [
        {"gloss": LABELS[i], "score": p} for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]
    return json.dumps({"instances": instances}), accept
