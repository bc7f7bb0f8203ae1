"""Every fault of a model folder is one line with file, key and remedy; a good folder loads."""

import pytest

from models.registry import load_models, max_body_bytes, public_description
from models.spec import SpecError, read_spec

KINDS = 'endpoints.gpu.kind: give kind = "serverless", kind = "realtime", kind = "async" or kind = "lambda"'
FAULTS = [
    ("version = ", "verison = 1\nversion = ", "model.verison: is not a known key"),
    ('version = "1.2.3"', "", "model.version: is missing; add it"),
    ('name = "cat-breeds"', 'name = "Cat Breeds"', "model.name: 'Cat Breeds' does not fit; Lower case"),
    ('name = "cat-breeds"', 'name = "cat-breeds-"', "model.name: 'cat-breeds-' does not fit"),
    ("[endpoints.gpu]", "[endpoints.gpu-]", "endpoints.gpu-: 'gpu-' does not fit; use lower case"),
    ('name = "cat-breeds"', 'name = "dog-breeds"', "rename the folder to dog_breeds"),
    ('"savedmodel"', '"nowhere"', "choose one of savedmodel"),
    ('task = "image-classification"', 'task = "astrology"', "model.task: "),
    ('version = "1.2.3"', 'version = "1"', "model.version: '1' does not fit; Semantic version, such as `1.0.0`"),
    ('["tabby", "siamese"]', '["tabby", "tabby"]', "model.labels: a label stands twice"),
    ('["tabby", "siamese"]', '["tabby"]', "model.labels: give two names or more"),
    ('["tabby", "siamese"]', '["tabby", ""]', "model.labels: give two names or more"),
    ('["tabby", "siamese"]', "3", "model.labels: give two names or more"),
    ('["tabby", "siamese"]', '["a", "b", "c"]', "model.labels: 3 labels, but the model gives 2 numbers"),
    ("[64, 48]", "[48, 64]", "input.size: the model takes [-1, 64, 48, 3], not [-1, 48, 64, 3]"),
    ("[64, 48]", "[64, 48]\nlayout = 'NCHW'", "correct size or layout"),
    ("[64, 48]", "[64, 48]\nstd = [1, 0, 1]", "input.std: give three numbers above 0"),
    ("[64, 48]", "[64, 48]\nmean = [nan, 0, 1]", "input.mean: give three finite numbers"),
    ("memory_mb = 2048", "memory_mb = 2000", "endpoints.serverless.memory_mb: 2000 is not offered"),
    ("memory_mb = 2048", "memory_mb = 7168", "choose one of 1024, 2048, 3072, 4096, 5120, 6144"),
    (
        "memory_mb = 2048",
        'instance_type = "ml.g5.xlarge"',
        "endpoints.serverless.instance_type: a serverless endpoint has",
    ),
    ("memory_mb = 2048", 'accelerator = "gpu"', "endpoints.serverless.accelerator: a serverless endpoint has no GPU"),
    ("memory_mb = 2048", "vpc = {}", "endpoints.serverless.vpc: SageMaker serverless has no VPC"),
    ("memory_mb = 2048", "data_capture = {}", "endpoints.serverless.data_capture: SageMaker serverless has no data"),
    ("max_instances = 4", "max_instances = 4\nmin_instances = 5", "endpoints.gpu.min_instances: 5 is above"),
    (
        "max_instances = 4",
        'volume_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/ab-1"',
        "endpoints.gpu.volume_kms_key_arn: ml.g5.xlarge has local storage",
    ),
    ('kind = "realtime"', 'kind = "eternal"', KINDS),
    ('kind = "realtime"', "", KINDS),
    ("[endpoints.gpu]", "[endpoints.an-endpoint-with-a-name-that-does-not-fit-there]", "use at most 41"),
    ("[input]\nsize = [64, 48]", "", "input.size: is missing"),
    ("[64, 48]", '[64, 48]\nresize = "shorter-side"', "input.size: with resize"),
    ("[64, 48]", '[64, 48]\naccepts = ["text/csv"]', "input.accepts: savedmodel takes what its task takes"),
    ('"tensorflow"', '"pytorch"', "model.network: is missing; name a file of the container's networks/"),
    ('"tensorflow"', '"tensorflow"\nnetwork = "vgg"', "model.network: only PyTorch weights need one"),
    ('"tensorflow"', '"tensorflow"\nprecision = "float16"', "model.precision: "),
    (
        '"tensorflow"',
        '"tensorflow"\nprecision = "bfloat16"\nengine = "native"',
        "model.precision: only OpenVINO reads it",
    ),
    (
        '"tensorflow"',
        '"pytorch"\nnetwork = "vgg"',
        "containers/savedmodel/networks/vgg.py does not exist",
    ),
    ('["tabby", "siamese"]', '"labels.json"', "labels.json cannot be read; put it there, or list the labels"),
    ('["tabby", "siamese"]', '"../labels.json"', "model.labels: give two names or more, or the name of a .json"),
    (
        'labels = ["tabby", "siamese"]',
        'labels = "labels.json"\nartifact = "s3://bucket/a/model.tar.gz"',
        "model.labels: the file is in S3",
    ),
    ('"image-classification"', '"object-detection"', "the SavedModel gives no detection_boxes, detection_scores"),
    (
        '"image-classification"',
        '"pose-sequence-classification"',
        "input.size: pose-sequence-classification does not",
    ),
    ("version", "version = 3 = 4", "is not TOML"),
]


@pytest.mark.parametrize(("old", "new", "line"), FAULTS)
def test_names_the_file_the_key_and_the_remedy(repository, old, new, line):
    repository.edit(old, new)
    with pytest.raises(SpecError) as caught:
        load_models(repository.root)
    assert str(caught.value).startswith("models/cat_breeds/model.toml: ")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_loads_a_good_folder(repository):
    [model] = load_models(repository.root)
    assert model.spec.default_endpoint == "serverless"
    assert [endpoint.is_gpu for endpoint in model.spec.endpoints.values()] == [False, True]
    assert public_description(model)["endpoints"][0] == {
        "name": "serverless",
        "kind": "serverless",
        "max_body_bytes": 4 * 1024 * 1024,
    }


def test_a_spec_is_frozen(repository):
    [model] = load_models(repository.root)
    with pytest.raises(ValueError, match="frozen"):
        model.spec.model.version = "2.0.0"


def test_a_key_is_accepted_where_the_volume_is_not_local(repository):
    repository.edit("ml.g5.xlarge", "ml.c5.xlarge")
    repository.edit("max_instances = 4", 'volume_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/ab-1"')
    [model] = load_models(repository.root)
    assert not model.spec.endpoints["gpu"].is_gpu


@pytest.mark.parametrize("missing", ["artifact/saved_model.pb", "artifact"])
def test_a_missing_artifact_says_what_to_put_there(repository, missing):
    path = repository.model / missing
    path.rename(repository.root / "away")
    with pytest.raises(SpecError, match=r"models/cat_breeds/model.toml: model.artifact: .* there"):
        load_models(repository.root)


def test_an_artifact_in_s3_is_not_looked_for(repository):
    repository.edit("version", 'artifact = "s3://bucket/a/model.tar.gz"\nversion')
    assert load_models(repository.root)[0].spec.model.is_remote


def test_an_s3_artifact_must_be_an_archive(repository):
    repository.edit("version", 'artifact = "s3://bucket/a/model.zip"\nversion')
    with pytest.raises(SpecError, match=r"s3://bucket/key/model\.tar\.gz"):
        load_models(repository.root)


def test_reports_every_fault_of_every_model_at_once(repository):
    repository.edit('version = "1.2.3"', 'version = "x"\ncolour = "red"')
    with pytest.raises(SpecError) as caught:
        load_models(repository.root)
    assert len(caught.value.faults) == 2


def test_an_empty_repository_says_so(tmp_path):
    with pytest.raises(SpecError, match="add one"):
        load_models(tmp_path)


def test_an_unreadable_file_is_one_line(tmp_path):
    with pytest.raises(SpecError, match="cannot be read"):
        read_spec(tmp_path / "model.toml")


def test_the_limit_through_the_api_is_the_smallest_on_the_way():
    assert max_body_bytes("serverless") == 4 * 1024 * 1024
    assert max_body_bytes("realtime") == 4_500_000
    assert max_body_bytes("lambda") == 4_500_000


def test_each_label_may_have_a_meaning(repository):
    assert public_description(load_models(repository.root)[0])["meanings"] == {}
    repository.edit("[endpoints.serverless]", '[output]\nmeanings = ["striped", "pale"]\n\n[endpoints.serverless]')
    described = public_description(load_models(repository.root)[0])
    assert described["meanings"] == {"tabby": "striped", "siamese": "pale"}


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ('["tabby", "siamese"]', "1 for 2 labels; give one for each"),
        ('"labels.json"', "the labels are in a file; list"),
    ],
)
def test_meanings_go_with_the_labels_one_by_one(repository, labels, words):
    repository.edit('["tabby", "siamese"]', labels)
    repository.edit("[endpoints.serverless]", '[output]\nmeanings = ["striped"]\n\n[endpoints.serverless]')
    with pytest.raises(SpecError, match=f"output.meanings: {words}"):
        read_spec(repository.model / "model.toml")


@pytest.mark.parametrize("labels", ['["tabby", "burmese"]', '["tabby", "siamese", "burmese"]', '"labels.json"'])
def test_the_positive_label_is_one_of_two(repository, labels):
    repository.edit("[endpoints.serverless]", '[output]\npositive = "siamese"\n\n[endpoints.serverless]')
    assert read_spec(repository.model / "model.toml").output.positive == "siamese"
    repository.edit('["tabby", "siamese"]', labels)
    with pytest.raises(SpecError, match=r"output\.positive: 'siamese' is none of two labels"):
        read_spec(repository.model / "model.toml")
