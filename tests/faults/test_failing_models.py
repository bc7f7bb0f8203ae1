"""A model that raises, or gives what is no answer: withheld, told in the log only, and the next one is given."""

import base64
import textwrap

import pytest

from contract.media import JSON
from tests.containers.model_folder import write_spec
from tests.containers.server_process import serving
from tests.faults.failing_scripts import GOOD, MIB, PNG, Mood, picture, serving_failing_model
from tests.faults.fault_requests import memory_grows_less_than

MEMORY = 16 * MIB
TIMES = 20
HUGE_ANSWER = 64 * MIB
HUGE_MEMORY = 96 * MIB  # of the answer nothing may stay but one buffer that the allocator keeps
SECRETS = ("secret", "/opt/ml", "0x7f", "Traceback", "inference.py", "ValueError")
NO_ANSWER = {
    Mood.RAISE: "MODEL_FAILED",
    Mood.EXIT: "MODEL_FAILED",
    Mood.NAN: "MODEL_OUTPUT_INVALID",
    Mood.INFINITE: "MODEL_OUTPUT_INVALID",
    Mood.TOO_MANY: "MODEL_OUTPUT_INVALID",
    Mood.TOO_FEW: "MODEL_OUTPUT_INVALID",
    Mood.ANOTHER_RANK: "MODEL_OUTPUT_INVALID",
    Mood.HUGE: "MODEL_OUTPUT_INVALID",
    Mood.NOTHING: "MODEL_OUTPUT_INVALID",
    Mood.NO_NUMBERS: "MODEL_OUTPUT_INVALID",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving_failing_model(tmp_path_factory.mktemp("moods"), MODEL_SERVER_TIMEOUT="10") as started:
        started.predict(picture(Mood.HUGE), PNG)  # what the allocator keeps of it is there before
        yield started


@pytest.mark.parametrize("mood", NO_ANSWER, ids=lambda mood: mood.name.lower())
def test_what_is_no_answer_is_withheld_and_the_next_one_given(server, mood):
    worker = server.worker_pid()
    with memory_grows_less_than(server, MEMORY):
        for _ in range(TIMES):
            reply = server.predict(picture(mood), PNG)
            assert (reply.status, reply.code) in {(502, "MODEL_FAILED"), (502, NO_ANSWER[mood])}
            assert not any(secret in reply.response.text for secret in SECRETS)
        assert server.predict(GOOD, PNG).status == 200
    assert server.worker_pid() == worker


def test_one_bad_output_in_a_list_withholds_the_whole_list(server):
    instances = [base64.b64encode(image).decode() for image in (GOOD, picture(Mood.NAN), GOOD)]
    reply = server.predict_json({"instances": instances})
    assert (reply.status, reply.code) == (502, "MODEL_OUTPUT_INVALID")
    assert server.predict(GOOD, PNG).status == 200


def test_a_huge_answer_of_a_script_arrives_whole_or_not_at_all(tmp_path):
    script = """
        def model_fn(model_dir):
            return None
        def input_fn(body, content_type):
            return int(body)
        def predict_fn(data, model):
            return data
        def output_fn(prediction, accept):
            return "1" * prediction
    """
    (tmp_path / "model" / "code").mkdir(parents=True)
    (tmp_path / "model" / "code" / "inference.py").write_text(textwrap.dedent(script))
    write_spec(
        tmp_path / "model",
        ["a", "b"],
        8,
        more=f'accepts = ["{JSON}"]',
        framework='"pytorch"',
        container="pytorch_script",
    )
    with serving(tmp_path / "model", tmp_path / "server.log") as server:
        server.predict(str(HUGE_ANSWER).encode(), JSON)
        with memory_grows_less_than(server, HUGE_MEMORY):
            for _ in range(5):
                reply = server.predict(str(HUGE_ANSWER).encode(), JSON)
                whole = reply.status == 200 and len(reply.response.content) == HUGE_ANSWER
                assert whole or (reply.status, reply.code) == (502, "MODEL_OUTPUT_INVALID")
            assert server.predict(b"1", JSON).response.text == "1"
