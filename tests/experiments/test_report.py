"""The report of a folder of runs: real pictures, a page that needs nothing else, refusals of one line."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from experiments.client.sample import ForeignRows
from experiments.cost.plot import COLOURS
from experiments.cost.prices import read_prices
from experiments.latency.run import REQUESTS, RUN, read_run, write_run
from experiments.report import __main__ as command
from experiments.report import report as making
from experiments.report.__main__ import main
from experiments.report.borrowed import borrowed
from experiments.report.candidate import Level, measured
from experiments.report.cost import break_evens, last_crossings
from experiments.report.faults import MixedRuns, NoAnswers, NoRuns
from experiments.report.load import knee
from experiments.report.page import page
from experiments.report.published import Published, read_published
from experiments.report.recommend import recommend
from experiments.report.report import make_report
from experiments.report.runs import read_runs
from experiments.report.section import HEADING, section
from experiments.report.sentence import LOCAL
from experiments.report.style import apart
from models.registry import load_models
from tests.experiments.drawn_runs import INSTANCE, SERVERLESS, sample, write

PRICES = read_prices()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two memories, an instance, and a GPU that this machine stands in for."""
    folder = tmp_path_factory.mktemp("runs")
    for memory_mb, warm_ms, cold_ms in ((1024, 95, 2100), (2048, 52, 1300)):
        settings = SERVERLESS | {"memory_mb": memory_mb}
        write(folder, f"serverless-{memory_mb}", settings, warm_ms=warm_ms, cold_ms=cold_ms, rates=(2, 10, 25, 50))
    write(folder, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"}, warm_ms=30)
    write(folder, "gpu", INSTANCE | {"instance_type": "ml.g5.xlarge"}, warm_ms=30)
    return folder


@pytest.fixture(scope="module")
def report(folder, tmp_path_factory):
    return make_report(folder, tmp_path_factory.mktemp("report"), (1000.0, 100_000.0), 500.0, 95.0)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_every_plot_is_a_picture_with_something_drawn(report):
    assert [picture.name for picture in report.pictures] == ["boxes", "hops", "load", "cost"]
    for picture in report.pictures:
        with Image.open(picture.file) as opened:
            assert opened.format == "PNG"
            drawn = opened.convert("RGB")
        assert drawn.width >= 800
        colours = {colour: count for count, colour in drawn.getcolors(1_000_000)}
        expected = "#d55e00" if picture.name == "hops" else COLOURS["serverless"]
        assert colours.get(ImageColor.getrgb(expected), 0) > 150, picture.name
        assert colours[255, 255, 255] < 0.97 * drawn.width * drawn.height


def test_what_nobody_measured_has_no_plot_and_no_row(tmp_path):
    (tmp_path / "load.png").write_bytes(b"of the runs before")
    write(tmp_path, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"})
    found = make_report(tmp_path, tmp_path, (1000.0,), 500.0, 95.0)
    assert [picture.name for picture in found.pictures] == ["boxes", "hops", "cost"]
    assert ", cold," not in found.pictures[0].alt
    assert sorted(each.name for each in tmp_path.glob("*.png")) == ["boxes.png", "cost.png", "hops.png"]
    assert "cold:" not in found.pictures[1].alt


def test_the_page_asks_nobody_for_anything_and_shows_every_plot_with_its_text(report):
    text = page(report)
    tags = Page(text).tags
    assert not [tag for tag, _ in tags if tag in ("script", "link", "iframe", "object")]
    addresses = [value for _, attributes in tags for name, value in attributes.items() if name in ("src", "href")]
    assert len(addresses) == len(report.pictures)
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert "url(" not in text
    assert "@import" not in text
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)
    pictures = [attributes for tag, attributes in tags if tag == "img"]
    assert [each["alt"] for each in pictures] == [picture.alt for picture in report.pictures]
    assert 'name="viewport"' in text
    assert "prefers-color-scheme: dark" in text


def test_local_figures_say_so_and_those_of_aws_do_not(report, tmp_path):
    assert LOCAL in page(report).replace("&#x27;", "'")
    assert LOCAL in section(report)
    write(tmp_path, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"}, target="aws")
    on_aws = make_report(tmp_path, tmp_path, (1000.0,), 500.0, 95.0)
    assert "local run" not in page(on_aws)
    assert "local run" not in section(on_aws)


def test_published_figures_are_beside_ours_and_in_none_of_them(report, folder, tmp_path, monkeypatch):
    text = page(report)
    for figure in read_published().figures:
        assert figure.text in text
    assert read_published().sources["retinopathy"] in text
    figures = tuple(each.model_copy(update={"seconds": each.seconds / 1000}) for each in read_published().figures)
    others = Published(sources=read_published().sources, figures=figures)
    monkeypatch.setattr(making, "read_published", lambda: others)
    again = make_report(folder, tmp_path, (1000.0, 100_000.0), 500.0, 95.0)
    assert again.sentences == report.sentences
    assert again.grid == report.grid
    before, after = ({each.name: each.file.read_bytes() for each in made.pictures} for made in (report, again))
    assert [name for name in before if before[name] != after[name]] == ["boxes"]
    assert again.pictures[0].alt == report.pictures[0].alt


def test_a_published_figure_names_a_source_that_is_there():
    figure = {"phase": "cold", "place": "somewhere", "seconds": 1, "source": "hearsay"}
    with pytest.raises(ValueError, match="'hearsay' is not in \\[sources\\]"):
        Published(sources={}, figures=(figure,))
    assert Published(sources={"hearsay": "a friend"}, figures=(figure,)).figures[0].text == "1 s, somewhere"


def test_a_request_costs_the_mean_of_what_the_container_was_busy_with_for_one_caller(folder):
    run, samples = read_run(folder / "serverless-2048")
    busy = [each.container_ms for each in samples if each.phase == "warm" and each.concurrency == 1]
    candidate = measured(run, samples)
    assert candidate.request.seconds == pytest.approx(sum(busy) / len(busy) / 1000)
    assert len(candidate.warm_ms) == len(busy) == 40
    cold = sorted(each.total_ms for each in samples if each.phase == "cold")
    assert candidate.request.cold_start_s * 1000 == pytest.approx((cold[4] + cold[5]) / 2)
    assert candidate.request.body_bytes == 100_000


def test_rates_are_levels_with_their_errors(folder):
    levels = measured(*read_run(folder / "serverless-2048")).levels
    assert [level.rate for level in levels] == [2, 10, 25, 50]
    assert [dict(level.errors) for level in levels] == [{}, {}, {}, {"THROTTLED": 5}]
    assert levels[3].error_share == 0.25
    assert len(levels[3].good_ms) == 15


def test_the_knee_lies_before_the_first_rate_that_waits_or_fails():
    calm, slow, failing = Level(1, [10.0]), Level(2, [31.0]), Level(2, [10.0], {"TIMEOUT": 1})
    assert knee([calm, slow]) == knee([calm, failing]) == (1, 2)
    assert knee([calm, Level(2, [29.0])]) is None


def test_what_was_not_measured_borrows_the_times_of_the_nearest_and_says_whose(folder):
    candidates = read_runs(folder).candidates
    found = {each.kind: each for each in borrowed(candidates, {}, PRICES)}
    assert set(found) == {"lambda", "async"}
    assert found["lambda"].borrowed == "serverless with 2048 MB"
    assert found["lambda"].settings.memory_mb == 2048
    assert found["async"].borrowed == "cpu (ml.c7i.large)"
    assert found["async"].settings.instance_type == "ml.c7i.large"
    assert found["async"].shown.endswith("not measured")


def test_an_endpoint_of_model_toml_is_borrowed_for_before_a_plain_one(folder):
    model = next(each for each in load_models() if each.spec.name == "brain-tumor")
    found = borrowed(read_runs(folder).candidates, model.spec.endpoints, PRICES)
    assert [each.name for each in found if each.kind == "lambda"] == ["web"]


def test_break_evens_are_those_of_the_cost_report(folder):
    found = break_evens(read_runs(folder).candidates, PRICES)
    names = [(each.idle.name, each.steady.name) for each in found]
    assert names == [(idle, on) for idle in ("serverless-1024", "serverless-2048") for on in ("cpu", "gpu")]


def test_the_plot_names_the_traffic_from_which_an_instance_costs_less_than_all_that_it_overtakes(tmp_path):
    for memory_mb in (2048, 6144):
        write(tmp_path, f"serverless-{memory_mb}", SERVERLESS | {"memory_mb": memory_mb}, warm_ms=2600, cold_ms=9000)
    write(tmp_path, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"}, warm_ms=1100)
    found = break_evens(read_runs(tmp_path).candidates, PRICES)
    ((named, at),) = last_crossings([(each, each.per_day) for each in found])
    assert (named.idle.name, at) == ("serverless-2048", max(each.per_day for each in found))


def test_endpoints_stand_in_the_order_of_their_kind_and_memory(folder):
    names = [each.name for each in read_runs(folder).candidates]
    assert names == ["serverless-1024", "serverless-2048", "cpu", "gpu"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_labels_keep_their_order_and_a_line_between_them(heights):
    placed = apart(heights, 0.06)
    order = sorted(range(len(heights)), key=heights.__getitem__)
    for lower, upper in pairwise(order):
        assert placed[upper] - placed[lower] >= 0.06 - 1e-9
    assert min(placed) >= 0


def test_refuses_what_makes_no_report_in_one_line(tmp_path, capsys):
    def refused(part):
        assert main([str(tmp_path), f"--out={tmp_path / 'report'}"]) == 1
        error = capsys.readouterr().err
        assert part in error
        assert error.count("\n") == 1

    refused("make one with python -m experiments.latency")
    write(tmp_path, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"})
    kept = (tmp_path / "cpu" / REQUESTS).read_text(encoding="utf-8")
    (tmp_path / "cpu" / REQUESTS).write_text("milliseconds\n12\n", encoding="utf-8")
    refused("another version wrote it")
    (tmp_path / "cpu" / REQUESTS).write_text(kept, encoding="utf-8")
    about = (tmp_path / "cpu" / RUN).read_text(encoding="utf-8")
    (tmp_path / "cpu" / RUN).write_text(about.replace('"format": 1', '"format": 0'), encoding="utf-8")
    refused("another version wrote it")
    (tmp_path / "cpu" / RUN).write_text(about, encoding="utf-8")
    (tmp_path / "file").touch()
    assert main([str(tmp_path), f"--out={tmp_path / 'file'}"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main([str(tmp_path), "--requests-per-day=100,1000"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert ["a day nobody meets a cold start" in line for line in said[:2]] == [True, True]
    assert said[-1] == str(tmp_path / "report" / "index.html")


@pytest.mark.parametrize(
    ("about", "part"),
    [
        ({"model": "brain-tumor"}, "several models (brain-tumor, face-mask)"),
        ({"target": "aws"}, "several targets (aws, local)"),
    ],
)
def test_refuses_runs_that_do_not_belong_together(tmp_path, about, part):
    write(tmp_path, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"})
    write(tmp_path, "serverless", SERVERLESS, cold_ms=900, **about)
    with pytest.raises(MixedRuns, match=re.escape(part)):
        read_runs(tmp_path)
    write(tmp_path, "serverless", SERVERLESS, cold_ms=900)
    assert len(read_runs(tmp_path).each) == 2


def test_refuses_an_endpoint_that_is_there_twice(tmp_path):
    write(tmp_path, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"})
    (tmp_path / "cpu").rename(tmp_path / "before")
    write(tmp_path, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"})
    with pytest.raises(MixedRuns, match="two runs of the endpoint cpu"):
        read_runs(tmp_path)
    (tmp_path / "before" / RUN).unlink()
    assert len(read_runs(tmp_path).each) == 1


def test_refuses_a_run_in_which_nothing_was_answered(tmp_path):
    write(tmp_path, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"})
    run, samples = read_run(tmp_path / "cpu")
    write_run(run, [sample("cpu", "warm", 5, concurrency=1, status=429)] * 3, tmp_path / "cpu")
    with pytest.raises(NoAnswers, match="3 × THROTTLED"):
        read_runs(tmp_path)
    write_run(run, [], tmp_path / "cpu")
    with pytest.raises(NoAnswers, match="none was sent"):
        read_runs(tmp_path)
    write_run(run, samples, tmp_path / "cpu")
    assert len(read_runs(tmp_path).each) == 1


def test_refuses_a_folder_that_is_not_there_and_a_run_without_its_requests(tmp_path, folder):
    with pytest.raises(NoRuns):
        read_runs(tmp_path / "nowhere")
    write(tmp_path, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"})
    (tmp_path / "cpu" / REQUESTS).unlink()
    with pytest.raises(ForeignRows, match="make it with"):
        read_runs(tmp_path)
    assert read_runs(folder).model == "face-mask"


@pytest.mark.parametrize("wrong", ["--latency-ms=0", "--percentile=100", "--requests-per-day=1000,many"])
def test_refuses_numbers_that_make_no_question(folder, wrong, capsys):
    with pytest.raises(SystemExit):
        main([str(folder), wrong])
    assert wrong.partition("=")[0] in capsys.readouterr().err


def test_docs_keep_the_last_plots_and_replace_their_section_alone(tmp_path, monkeypatch):
    file = tmp_path / "experiments.md"
    file.write_text(f"# Experiments\n\n{HEADING}\n\nlast year\n\n## Load\n\nstays\n", encoding="utf-8")
    (tmp_path / "experiments-load.png").write_bytes(b"of a report that had one")
    (tmp_path / "experiments-day.png").write_bytes(b"of another experiment")
    write(tmp_path, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"})
    monkeypatch.setattr(command, "PAGE", file)
    assert main([str(tmp_path), "--docs"]) == 0
    text = file.read_text(encoding="utf-8")
    assert text.count(HEADING) == 1
    assert "last year" not in text
    assert text.endswith("## Load\n\nstays\n")
    shown = re.findall(r"\]\((experiments-\w+\.png)\)", text)
    assert shown == ["experiments-boxes.png", "experiments-hops.png", "experiments-cost.png"]
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in shown)
    assert sorted(each.name for each in tmp_path.glob("*.png")) == sorted([*shown, "experiments-day.png"])


def test_the_grid_is_of_the_same_endpoints_as_the_sentence(report):
    weighed = [*report.runs.candidates, *(each for each in report.others if each.is_queue)]
    assert report.grid[1000, 500] == recommend(weighed, 1000, 500, 95, PRICES) == report.asked[0]
