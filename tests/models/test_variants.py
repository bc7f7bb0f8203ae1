"""What may stand behind one endpoint, and what needs an endpoint of its own."""

import shutil

import pytest

from models.registry import load_models
from tests.models.test_endpoints import GPU, fault_of, instance, web

OTHER = 'artifact = "other"'


def variants(*tables: str, type_: str = "ml.g5.xlarge", lines: str = "") -> str:
    """An endpoint with a variant a, b, … for each of `tables`."""
    named = [f"[endpoints.gpu.variants.{chr(97 + at)}]\n{table}" for at, table in enumerate(tables)]
    return instance(type_, lines, *named)


@pytest.fixture(autouse=True)
def _another_artifact(repository):
    shutil.copytree(repository.model / "artifact", repository.model / "other")


A = "endpoints.gpu.variants.a"
REFUSALS = [
    (["weight = 1"], f"{A}.artifact: is missing, and instance_type too; a variant differs in one of them, add it"),
    ([f"{OTHER}\nkind = 'realtime'"], f"{A}.kind: a variant is of its endpoint's kind; remove it"),
    ([f"{OTHER}\nscale_in_cooldown_s = 60"], f"{A}.scale_in_cooldown_s: the endpoint's is every variant's; remove it"),
    ([f"{OTHER}\nshadow = true"], f"{A}.shadow: set shadow_percent"),
    ([f"{OTHER}\narchitecture = 'x86_64'"], f"{A}.architecture: a variant shares its endpoint's image; remove it, or"),
    ([f"{OTHER}\ncolour = 3"], f"{A}.colour: is not a known key; docs/model-toml.md lists them"),
    (['artifact = "nowhere"'], f"{A}.artifact: the folder models/cat_breeds/nowhere does not exist; put the exported"),
    (['artifact = "s3://bucket/model.zip"'], f"{A}.artifact: an S3 artifact has the form s3://bucket/key/model.tar.gz"),
    ([f"{OTHER}\nweight = -1"], f"{A}.weight: Input should be greater than or equal to 0"),
    (
        [f"{OTHER}\nmin_instances = 2"],
        f"{A}.min_instances: 2 is above max_instances 1; lower it, or raise",
    ),
    ([f"{OTHER}\nshadow_percent = 101"], f"{A}.shadow_percent: Input should be less than or equal to 100"),
    (
        [f"{OTHER}\nshadow_percent = 5\nweight = 5"],
        f"{A}.weight: a shadow answers nothing; remove it, or",
    ),
    ([f"{OTHER}\nshadow_percent = 5", OTHER], f"{A}.shadow_percent: a shadow stands beside one model alone; remove it"),
    ([f"{OTHER}\nshadow_percent = 5"] * 2, f"{A}.shadow_percent: a shadow stands beside one model alone; remove it"),
    ([OTHER] * 10, "endpoints.gpu.variants: SageMaker takes 10, the model itself among them; remove some"),
    (
        ['instance_type = "ml.c7i.large"'],
        f"{A}.instance_type: ml.c7i.large has no GPU, unlike ml.g5.xlarge, so",
    ),
]


@pytest.mark.parametrize(("tables", "words"), REFUSALS)
def test_variants_refuse_what_cannot_stand_together(repository, tables, words):
    assert words in fault_of(repository, variants(*tables))


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (variants(f"{OTHER}\nweight = 0", lines="weight = 0"), "endpoints.gpu.weight: nobody would answer; raise it"),
        (
            variants(f"{OTHER}\nshadow_percent = 5", lines="weight = 0"),
            "endpoints.gpu.weight: nobody would answer; raise it",
        ),
        (instance("ml.g5.xlarge", "weight = 2"), "endpoints.gpu.weight: there are no variants to weigh it against"),
        (
            variants('instance_type = "ml.c7g.large"', type_="ml.c7i.large"),
            f"{A}.instance_type: ml.c7g.large is not x86_64, as the endpoint is; choose another",
        ),
        (
            variants(
                'instance_type = "ml.c5d.large"',
                type_="ml.c5.large",
                lines='volume_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/ab-1"',
            ),
            f"{A}.instance_type: ml.c5d.large has local storage, which takes no volume_kms_key_arn; choose another",
        ),
        (
            variants(OTHER, lines="min_instances = 2\n[endpoints.gpu.rollout]"),
            "endpoints.gpu.rollout.step_percent: 50 % of variants.a.min_instances = 1 is no whole instance; set",
        ),
        (
            variants(*[OTHER] * 5, lines='[endpoints.gpu.rollout]\nshift = "all-at-once"'),
            "endpoints.gpu.rollout: SageMaker watches ten alarms, two for each of 5 variants; remove some, or it",
        ),
        (
            variants(OTHER, lines="scale_to_zero = true\n[endpoints.gpu.component]\nmemory_mb = 1024"),
            "endpoints.gpu.variants: an endpoint that scales to zero serves one model; remove them, or",
        ),
        (
            instance("ml.g5.xlarge", f"[endpoints.gpu.variants.Big]\n{OTHER}"),
            "endpoints.gpu.variants.Big: 'Big' does",
        ),
        (web("[endpoints.web.variants.a]", OTHER), "endpoints.web.variants: give each its own endpoint, or set kind"),
    ],
)
def test_an_endpoint_refuses_variants_that_do_not_fit_it(repository, endpoint, words):
    assert words in fault_of(repository, endpoint)


def test_an_artifact_of_a_variant_must_fit_the_model_too(repository):
    (repository.model / "other" / "saved_model.pb").unlink()
    assert f"{A}.artifact: " in fault_of(repository, variants(OTHER))


def test_shares_are_as_they_are_written(repository):
    repository.edit(GPU, variants(f"{OTHER}\nweight = 1", 'instance_type = "ml.g6.xlarge"', lines="weight = 8"))
    (model,) = load_models(repository.root)
    assert [served.weight for served in model.spec.endpoints["gpu"].served] == [8, 1, 1]
    assert [served.instance_type for served in model.spec.endpoints["gpu"].served][1:] == [
        "ml.g5.xlarge",
        "ml.g6.xlarge",
    ]
