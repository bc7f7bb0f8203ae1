"""What a month costs: hand-computed bills, break-evens that hold on both sides, a table that says where it is from."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.cost.__main__ import PAGE, main
from experiments.cost.breakeven import Pair, break_even, pairs
from experiments.cost.monthly import daily_capacity, monthly
from experiments.cost.plot import draw
from experiments.cost.prices import FILE, NoPrice, PriceTableFault, read_prices
from experiments.cost.report import Bill, break_even_section, month_section, not_counted_section
from experiments.cost.request import ASSUMED_S, Measurements, Request, measurements
from experiments.cost.stage import Around, Served, around_usd, as_deployed, read_around, served
from models.endpoints import SERVERLESS_MEMORY_MB, AsyncEndpoint, LambdaEndpoint, RealtimeEndpoint, ServerlessEndpoint
from models.registry import load_models

PRICES = read_prices()
REQUEST = Request(seconds=0.1, cold_start_s=1.0, body_bytes=300_000, answer_bytes=1000)
DATA_USD = 301_000 / 1e9 * 0.016  # of one request

SERVERLESS = ServerlessEndpoint(kind="serverless", memory_mb=3072, max_concurrency=10)
GPU = RealtimeEndpoint(kind="realtime", instance_type="ml.g5.xlarge", max_instances=4)
CPU = RealtimeEndpoint(kind="realtime", instance_type="ml.m5.large", target_invocations_per_instance=300)
QUEUE = AsyncEndpoint(kind="async", instance_type="ml.m5.large", max_instances=2)
FUNCTION = LambdaEndpoint(kind="lambda", memory_mb=2048)
UNPRICED = RealtimeEndpoint(kind="realtime", instance_type="ml.x9.huge")
AROUND = Around(
    1024, "arm64", proxy_is_measured=False, alarm_metrics=46, dashboards=1, web_acls=0, web_acl_rules=0, unpriced={}
)


def usd(endpoint, per_day, request=REQUEST):
    return monthly(endpoint, request, per_day, PRICES).usd


def bill(*endpoints, around=AROUND, rates=(1000.0,)):
    asked = [Served("face-mask", settings.kind, settings, REQUEST) for settings in endpoints]
    return Bill("prod", asked, around, 5_000_000, rates, PRICES)


def test_a_serverless_endpoint_is_billed_for_its_milliseconds_its_memory_and_its_data():
    assert usd(SERVERLESS, 1000) == pytest.approx(30_000 * (0.1 * 3 * 0.00002 + DATA_USD))
    assert usd(SERVERLESS, 0) == 0


@pytest.mark.parametrize(("seconds", "billed_s"), [(0.006, 0.006), (0.0061, 0.007), (0.0001, 0.001), (1.3062, 1.307)])
def test_a_begun_millisecond_is_billed_whole(seconds, billed_s):
    assert Request(seconds).billed_s == billed_s


def test_instances_are_billed_by_the_hour_asked_or_not():
    assert usd(GPU, 0) == pytest.approx(1.408 * 24 * 30)
    assert usd(GPU, 1000) == pytest.approx(1.408 * 24 * 30 + 30_000 * DATA_USD)


def test_one_instance_more_is_billed_where_the_target_asks_for_it():
    daily = 600 * 60 * 24
    assert [monthly(GPU, REQUEST, rate, PRICES).instances for rate in (daily, daily + 1, 3 * daily)] == [1, 2, 3]
    assert usd(GPU, 2 * daily) == pytest.approx(2 * 1.408 * 24 * 30 + 30 * 2 * daily * DATA_USD)


def test_what_an_endpoint_cannot_take_is_said():
    assert not monthly(GPU, REQUEST, 4 * daily_capacity(GPU), PRICES).is_beyond
    beyond = monthly(GPU, REQUEST, 4 * daily_capacity(GPU) + 1, PRICES)
    assert (beyond.instances, beyond.is_beyond) == (4, True)
    ten_at_once = 10 * 24 * 3600 / 0.1
    assert [monthly(SERVERLESS, REQUEST, rate, PRICES).is_beyond for rate in (ten_at_once, ten_at_once + 1)] == [0, 1]
    assert "†" in month_section(bill(SERVERLESS, rates=(ten_at_once * 2,)))
    assert "†" not in month_section(bill(SERVERLESS))


def test_a_function_is_billed_for_requests_memory_and_at_most_144_cold_starts_a_day():
    expected = 30 * (1000 * 0.2e-6 + (1000 * 0.1 + 144 * 1.0) * 2 * 0.0000166667)
    assert usd(FUNCTION, 1000) == pytest.approx(expected)
    assert usd(FUNCTION, 10) == pytest.approx(30 * (10 * 0.2e-6 + 10 * 1.1 * 2 * 0.0000166667))


def test_a_function_on_graviton_costs_a_fifth_less_and_storage_more():
    seconds = 1000 * 0.1 + 144
    arm = FUNCTION.model_copy(update={"architecture": "arm64"})
    assert usd(FUNCTION, 1000) - usd(arm, 1000) == pytest.approx(30 * seconds * 2 * (0.0000166667 - 0.0000133334))
    roomy = FUNCTION.model_copy(update={"ephemeral_storage_mb": 512 + 2048})
    assert usd(roomy, 1000) - usd(FUNCTION, 1000) == pytest.approx(30 * seconds * 2 * 0.0000000309)


S3_USD = 2 * (0.005 + 0.0004) / 1000  # of one job


def test_a_queue_is_billed_while_its_jobs_keep_an_instance():
    objects = 30 * 10 * S3_USD + 10 * 2 * 300_000 / 1e9 * 0.023
    hours = 30 * 10 * (300 + 0.1 + 900) / 3600
    assert usd(QUEUE, 10) == pytest.approx(hours * 0.115 + 300 * DATA_USD + objects)
    assert usd(QUEUE, 0) == 0


def test_what_scales_to_zero_is_billed_while_it_is_asked_and_a_while_longer():
    table = {
        "kind": "realtime",
        "instance_type": "ml.g5.xlarge",
        "scale_to_zero": True,
        "component": {"memory_mb": 1024},
    }
    endpoint = RealtimeEndpoint.model_validate(table)
    assert usd(endpoint, 0) == 0
    assert usd(endpoint, 10) == pytest.approx(1.408 * 30 * 10 * (300 + 0.1 + 900) / 3600 + 300 * DATA_USD)
    assert usd(endpoint, 10_000) == pytest.approx(usd(GPU, 10_000))
    idle, steady = (Served("m", name, each, REQUEST) for name, each in (("zero", endpoint), ("gpu", GPU)))
    assert list(pairs([idle, steady])) == [Pair(idle, steady)]


def test_a_variant_is_billed_with_its_endpoint():
    table = {"kind": "realtime", "instance_type": "ml.g5.xlarge"}
    variants = {"challenger": {"instance_type": "ml.g4dn.xlarge", "min_instances": 2, "max_instances": 2}}
    both = RealtimeEndpoint.model_validate(table | {"variants": variants})
    other = RealtimeEndpoint(kind="realtime", instance_type="ml.g4dn.xlarge")
    assert usd(both, 0) == pytest.approx(usd(GPU, 0) + 2 * usd(other, 0))


def test_what_has_no_price_is_named():
    kept = SERVERLESS.model_copy(update={"provisioned_concurrency": 2})
    assert "provisioned concurrency" in not_counted_section(bill(kept))
    assert "provisioned concurrency" not in not_counted_section(bill(SERVERLESS))


def test_jobs_close_together_keep_as_many_instances_all_day_as_they_need():
    def instance_hours(per_day, endpoint=QUEUE, seconds=60):
        cost = monthly(endpoint, replace(REQUEST, seconds=seconds), per_day, PRICES)
        besides = 30 * per_day * (DATA_USD + S3_USD) + per_day * 2 * 300_000 / 1e9 * 0.023
        return (cost.usd - besides) / 0.115, cost.is_beyond

    assert instance_hours(1000) == (pytest.approx(720), False)
    assert instance_hours(2000) == (pytest.approx(1440), False)
    assert instance_hours(3000) == (pytest.approx(1440), True)
    awake = QUEUE.model_copy(update={"min_instances": 1})
    assert instance_hours(1, awake) == (pytest.approx(720), False)


def test_a_job_is_three_calls_that_nobody_waits_for():
    rows = around_usd(AROUND, bill(QUEUE).endpoints, 0, 1000, PRICES)
    assert rows["API Gateway"] == pytest.approx(90_000 * 3.5e-6 + 30_000 * 1000 / 1e9 * 0.09)
    seconds = 3000 * 0.02 + 144 * 0.15
    assert rows["proxy function"] == pytest.approx(90_000 * 0.2e-6 + 30 * seconds * 0.0000133334)


def test_the_api_the_proxy_the_logs_and_the_watching_have_rows_of_their_own():
    asked = bill(SERVERLESS, GPU)
    rows = around_usd(AROUND, asked.endpoints, 5_000_000, 1000, PRICES)
    requests = 2 * 30_000
    assert rows["API Gateway"] == pytest.approx(requests * 3.5e-6 + requests * 1000 / 1e9 * 0.09)
    seconds = 2000 * (0.1 + 0.02) + 144 * 0.15
    assert rows["proxy function"] == pytest.approx(requests * 0.2e-6 + 30 * seconds * 1 * 0.0000133334)
    assert rows["logs"] == pytest.approx(requests * 2000 / 1e9 * 0.5)
    assert rows["alarms and dashboard"] == pytest.approx(4.6 + 3)
    assert rows["model archives in S3"] == pytest.approx(0.005 * 0.023)
    assert "web ACL" not in rows
    measured = replace(AROUND, proxy_is_measured=True)
    hours = [around_usd(measured, asked.endpoints, 0, rate, PRICES)["proxy's metrics"] for rate in (0, 12, 1000)]
    assert hours == [0, pytest.approx(2 * 9 * 0.15), pytest.approx(2 * 9 * 0.30)]
    walled = around_usd(replace(AROUND, web_acls=1, web_acl_rules=3), asked.endpoints, 0, 1000, PRICES)
    assert walled["web ACL"] == pytest.approx(5 + 3 + requests * 0.6e-6)


@given(
    st.sampled_from([SERVERLESS, GPU, CPU, QUEUE, FUNCTION]),
    st.floats(0, 1e7),
    st.floats(0, 1e7),
    st.floats(0.001, 60),
)
def test_more_requests_never_cost_less_nor_do_longer_ones(endpoint, one, other, seconds):
    fewer, more = sorted((one, other))
    request = replace(REQUEST, seconds=seconds)
    assert usd(endpoint, fewer, request) <= usd(endpoint, more, request)
    assert usd(endpoint, more, request) <= usd(endpoint, more, replace(request, seconds=seconds * 2))


def pair(idle, steady, seconds):
    request = replace(REQUEST, seconds=seconds)
    return Pair(Served("m", "idle", idle, request), Served("m", "steady", steady, request))


@given(
    st.sampled_from([*SERVERLESS_MEMORY_MB]),
    st.sampled_from([GPU, CPU]),
    st.floats(0.001, 60),
    st.booleans(),
)
def test_at_the_break_even_both_sides_cost_the_same_and_before_it_the_idle_one_less(memory, steady, seconds, is_lambda):
    idle = FUNCTION if is_lambda else SERVERLESS
    asked = pair(idle.model_copy(update={"memory_mb": memory}), steady, seconds)
    found = break_even(asked, PRICES)
    if found is None:
        most = steady.max_instances * daily_capacity(steady)
        assert all(asked.difference(most * share, PRICES) < 0 for share in (0.01, 0.3, 0.7, 1))
    else:
        both = [monthly(each.settings, asked.idle.request, found, PRICES).usd for each in asked]
        assert both[0] == pytest.approx(both[1], rel=1e-9)
        assert asked.difference(found * 0.99, PRICES) < 0


def test_a_break_even_by_hand():
    # Data costs the same on both sides; m5.large a month is 82.8, a request of 1 s at 3 GB 0.00006.
    assert break_even(pair(SERVERLESS, CPU, 1.0), PRICES) == pytest.approx(82.8 / 30 / 0.00006)
    assert break_even(pair(SERVERLESS, CPU, 0.001), PRICES) is None
    assert "| 46,000 |" in break_even_section(bill(SERVERLESS, CPU))


def test_a_queue_breaks_even_where_its_instance_never_sleeps():
    asked = pair(QUEUE, CPU, 1.0)
    found = break_even(asked, PRICES)
    assert found == pytest.approx(24 * 3600 / (300 + 1 + 900), rel=1e-3)
    assert asked.difference(found, PRICES) == pytest.approx(0, abs=1e-6)


def test_pairs_are_of_one_model_and_of_both_kinds():
    endpoints = [Served("a", "s", SERVERLESS, REQUEST), Served("a", "g", GPU, REQUEST), Served("b", "c", CPU, REQUEST)]
    assert [(idle.name, steady.name) for idle, steady in pairs(endpoints)] == [("s", "g")]


def test_an_instance_without_a_price_is_said_and_the_rest_still_stands():
    with pytest.raises(NoPrice, match=re.escape("ml.x9.huge: has no price; add it to [instance_hour] in")):
        monthly(UNPRICED, REQUEST, 1, PRICES)
    section = month_section(bill(SERVERLESS, UNPRICED))
    assert "| face-mask | `realtime`: ml.x9.huge | 100 | — | — |" in section
    assert "- No price: ml.x9.huge: has no price; add it to [instance_hour]" in section
    assert "| face-mask | `serverless`: 3072 MB | 100 | 0.00 | 0.32 |" in section
    assert "ml.x9.huge" not in break_even_section(bill(SERVERLESS, UNPRICED, CPU))


def test_a_kind_without_arithmetic_is_said():
    with pytest.raises(NoPrice, match=re.escape('kind = "batch": has no arithmetic; add it to KINDS in')):
        monthly(CPU.model_copy(update={"kind": "batch"}), REQUEST, 1, PRICES)


def test_the_sum_is_of_all_rows():
    section = month_section(bill(CPU, rates=(1000.0, 10_000.0)))
    table = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")][2:]
    columns = [
        [float(cell.strip("*").replace(",", "").replace("< 0.01", "0.00")) for cell in row[-3:]] for row in table
    ]
    for cells in zip(*columns, strict=True):
        assert sum(cells[:-1]) == pytest.approx(cells[-1], abs=0.02)


def test_prices_that_nobody_confirmed_are_marked():
    doubtful = RealtimeEndpoint(kind="realtime", instance_type="ml.c7i.large")
    section = month_section(bill(doubtful))
    assert "ml.c7i.large ~" in section
    assert "not confirmed by a second source: the price of ml.c7i.large (0.1071)" in section
    assert "~" not in month_section(bill(GPU))


def test_templates_tell_what_is_billed_by_the_month(tmp_path):
    math = {"Metrics": [{"Expression": "a / b"}, {"MetricStat": {}}, {"MetricStat": {}}]}
    resources = {
        "Ratio": {"Type": "AWS::CloudWatch::Alarm", "Properties": math},
        "Slow": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Latency"}},
        "Board": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {}},
        "Policy": _scaling("TargetTrackingScaling"),
        "Steps": _scaling("StepScaling"),
        "Wall": {"Type": "AWS::WAFv2::WebACL", "Properties": {"Rules": [{}, {}]}},
        "Key": {"Type": "AWS::KMS::Key", "Properties": {}},
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Proxy": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Handler": "lambda_handlers.proxy.x",
                "MemorySize": 512,
                "Architectures": ["arm64"],
                "Environment": {"Variables": {"METRICS_NAMESPACE": "Fovea"}},
            },
        },
    }
    (tmp_path / "Fovea-x.template.json").write_text(json.dumps({"Resources": resources}))
    around = read_around(tmp_path)
    assert around == Around(512, "arm64", True, 2 + 1 + 2, 1, 1, 2, {"AWS::KMS::Key": 1})
    said = not_counted_section(bill(CPU, around=around))
    assert "resources of this stage that the table has no price for: `AWS::KMS::Key` (1)" in said


def test_a_stage_may_have_other_instances_than_model_toml_says(tmp_path):
    endpoints = [Served("a", name, GPU, REQUEST) for name in ("gpu", "fixed", "serverless")]
    resources = {
        "Config": _config({"InitialInstanceCount": 2}),
        "Other": _config({"InitialInstanceCount": 1}),
        "None": _config({"ServerlessConfig": {}}),
        "Gpu": _endpoint("fovea-beta-a-gpu", "Config"),
        "Fixed": _endpoint("fovea-beta-a-fixed", "Other"),
        "Serverless": _endpoint("fovea-beta-a-serverless", "None"),
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                "ResourceId": "endpoint/fovea-beta-a-gpu/variant/AllTraffic",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "MinCapacity": 2,
                "MaxCapacity": 3,
            },
        },
    }
    (tmp_path / "Fovea-beta-a.template.json").write_text(json.dumps({"Resources": resources}))
    found = [each.settings for each in as_deployed(endpoints, tmp_path)]
    assert [(each.min_instances, each.max_instances) for each in found] == [(2, 3), (1, 1), (1, 4)]


def _config(variant):
    return {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}}


def _endpoint(name, config):
    properties = {"EndpointName": name, "EndpointConfigName": {"Fn::GetAtt": [config, "EndpointConfigName"]}}
    return {"Type": "AWS::SageMaker::Endpoint", "Properties": properties}


def _scaling(kind):
    return {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": {"PolicyType": kind}}


def test_times_are_those_of_the_page_else_assumed():
    models = {model.spec.name: model for model in load_models()}
    measured = measurements()
    assert set(models) <= {model for model, _ in measured.seconds}
    web = measured.request(models["brain-tumor"], "web")
    assert (web.cold_start_s, web.seconds) == measured.seconds["brain-tumor", "Lambda with 3008 MB"]
    plain = measured.request(models["brain-tumor"], "serverless")
    assert (plain.cold_start_s, plain.seconds) == measured.seconds["brain-tumor", "SageMaker"]
    (first, *_) = served([models["face-mask"]], Measurements({}), 1000)
    assert (first.request.seconds, first.request.source) == (ASSUMED_S, "assumed")


def test_the_price_table_is_dated_and_every_price_has_a_source():
    assert PRICES.date <= datetime.now(UTC).date()
    assert all(price.usd > 0 and PRICES.sources[price.source] for price in PRICES.prices.values())
    used = {settings.instance_type for model in load_models() for settings in _instances(model)}
    assert used <= set(PRICES.instance_hour)


def _instances(model):
    return [each for each in model.spec.endpoints.values() if hasattr(each, "instance_type")]


@pytest.mark.parametrize(
    ("wrong", "right", "line"),
    [
        ("usd = 1.408", "usd = 0", "instance_hour.ml.g5.xlarge.usd: Input should be greater than 0"),
        (
            'source = "waf"',
            'source = "hearsay"',
            "waf_acl_month: its source 'hearsay' is not in [sources]; add it there",
        ),
        ("logs_gb", "log_gb", "rates.logs_gb: Field required"),
        ("date = 2026-11-21\n", "", "date: Field required"),
        ("[rates]", "[rates", "is not TOML"),
    ],
)
def test_a_fault_in_the_table_has_its_line(tmp_path, capsys, wrong, right, line):
    table = tmp_path / "prices.toml"
    table.write_text(FILE.read_text().replace(wrong, right))
    with pytest.raises(PriceTableFault, match=re.escape(f"{table}: ") + ".*" + re.escape(line)):
        read_prices(table)
    assert main(["--prices", str(table)]) == 1
    assert line in capsys.readouterr().err
    table.write_text(FILE.read_text())
    assert read_prices(table) == PRICES


def test_unknown_models_stages_and_numbers_have_their_lines(capsys):
    assert main(["--model", "nobody"]) == 1
    assert "--model nobody: no such model; choose one of brain-tumor, " in capsys.readouterr().err
    assert main(["--stage", "nowhere"]) == 1
    assert "'nowhere' is not a stage; use -c stage= with one of dev, beta, prod" in capsys.readouterr().err
    for wrong in ("--requests-per-day=100,x", "--requests-per-day=0", "--seconds-per-request=nan"):
        with pytest.raises(SystemExit):
            main([wrong])
        assert "is not a number above 0" in capsys.readouterr().err


def test_the_page_is_what_the_command_prints_of_prod(capsys):
    assert main(["--stage", "prod"]) == 0
    page = PAGE.read_text(encoding="utf-8")
    printed = capsys.readouterr().out
    assert page[page.index("## A month") :].strip() == printed.strip(), "run `python -m experiments.cost --docs`"


def test_what_is_given_takes_the_place_of_what_was_measured(tmp_path, capsys):
    options = ["--model=face-mask", "--requests-per-day=50000", "--seconds-per-request=2", "--kilobytes-per-request=10"]
    assert main([*options, f"--plot={tmp_path / 'cost.png'}"]) == 0
    printed = capsys.readouterr().out
    usd_a_month = 30 * 50_000 * (2 * 2 * 0.00002 + 11_000 / 1e9 * 0.016)
    assert f"| face-mask | `serverless`: 2048 MB | 2000 | 0.00 | {usd_a_month:,.2f} |" in printed
    assert "brain-tumor" not in printed
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")
    assert main([*options, f"--plot={tmp_path / 'nowhere' / 'cost.png'}"]) == 1
    assert "cost.png: No such file or directory" in capsys.readouterr().err


def test_the_plot_leaves_out_what_has_no_price(tmp_path):
    file = draw(bill(SERVERLESS, UNPRICED, FUNCTION, GPU).endpoints, PRICES, tmp_path / "cost.png")
    assert file.stat().st_size > 10_000
