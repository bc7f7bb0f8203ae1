"""The page is there at once and stays awake. Other work shares the machine: the best of a few loads counts."""

from tests.web.pictures import large_photograph, photograph
from tests.web.visitor import answered

_LOADS = 3
_FIRST_PAINT_MS = 1000
_PAGE_BYTES = 60_000
_LONGEST_TASK_MS = 50
_OWN_BYTES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((entry) => !/samples|models/.test(entry.name)).reduce((sum, entry) => sum + entry.transferSize, 0)"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
_OBSERVE = """window.tasks = []; new PerformanceObserver((list) => window.tasks.push(...list.getEntries()
  .map((entry) => entry.duration))).observe({ type: "longtask", buffered: true });"""
_BUSY = (
    "() => new Promise((done) => setTimeout(() => { const end = Date.now() + 90; while (Date.now() < end); done(); }))"
)


def longest_task_ms(page, during: str = "null") -> float:
    """Of those since it was last asked; the browser tells of them a little later."""
    page.evaluate(during)
    page.wait_for_timeout(300)
    return max(page.evaluate("window.tasks.splice(0)"), default=0)


def test_the_first_paint_is_fast_and_the_pages_own_files_are_small(visit, local):
    loads = [visit(local) for _ in range(_LOADS)]
    paints, transferred = [], set()
    for visitor in loads:
        page = visitor.open()
        paints.append(page.evaluate(_PAINT))
        transferred.add(page.evaluate(_OWN_BYTES))
    assert min(paints) < _FIRST_PAINT_MS, paints
    assert 10_000 < max(transferred) < _PAGE_BYTES  # uncompressed, without the samples' thumbnails and the API's answer


def test_a_12_megapixel_photograph_never_blocks_the_page(visit, local, tmp_path):
    small, large = photograph(tmp_path), large_photograph(tmp_path)
    assert small.stat().st_size < 4 * 1024 * 1024 < large.stat().st_size
    blocked = []
    for _ in range(_LOADS):
        visitor = visit(local)
        visitor.context.add_init_script(_OBSERVE)
        page = visitor.open()
        visitor.choose("face-mask")
        assert longest_task_ms(page, _BUSY) > _LONGEST_TASK_MS  # what is looked for is seen
        answered(visitor.send(small))
        answered(visitor.send(large))
        blocked.append(longest_task_ms(page))
        if blocked[-1] <= _LONGEST_TASK_MS:
            break
    assert min(blocked) <= _LONGEST_TASK_MS, blocked
