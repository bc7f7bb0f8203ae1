"""A minute of full load, good requests and bad (the ten-minute form, which judges latency too: experiments.soak)."""

from experiments.soak import soak

MOST_GROWTH = 1.10  # what a thread keeps for the next picture comes and goes, and a sixth is but ten seconds


def test_a_minute_of_full_load_leaves_it_as_small_and_as_right_as_before():
    """Memory within a tenth, nothing unexpected. A minute on a shared machine says nothing of the slowest hundredth."""
    result = soak(1)
    print(result.table())
    assert not result.unexpected
    assert result.outcomes["small picture: 200 OK"] > 500
    assert result.growth <= MOST_GROWTH
