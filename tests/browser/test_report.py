"""The report as a reader meets it: it loads, asks for nothing, plays, and needs no mouse."""

from itertools import pairwise

import pytest

from fedarm.report.figures import FIGURES

from .conftest import PHONE

STAGE = "#player_rollouts"
FILMS = f"{STAGE} video"
TIMES = "videos => videos.map(video => video.currentTime)"
# Times can be set.
READY = f"[...document.querySelectorAll('{FILMS}')].every(video => video.readyState >= 2)"


def part(page, name):
    return page.locator(f'{STAGE} [data-part="{name}"]')


def wait_until(page, expression):
    """Wait for an expression to be true; Playwright's own way is what the page's policy forbids."""
    for _ in range(300):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {expression}")


def times(page):
    return page.eval_on_selector_all(FILMS, TIMES)


@pytest.fixture
def ready(page):
    """Return the report with the first task's films loaded."""
    wait_until(page, READY)
    return page


def test_it_loads_without_errors_and_without_requests(watched, report):
    page, complaints, requests = watched
    page.goto(report.as_uri())
    wait_until(page, READY)
    assert complaints == []
    assert requests[0] == report.as_uri()
    # The browser makes films out of text that is in the page.
    assert all(address.startswith(("data:", "blob:")) for address in requests[1:])


def test_every_arm_plays_in_step(ready):
    part(ready, "speed").select_option("0.25")
    part(ready, "play").click()
    wait_until(
        ready, f"[...document.querySelectorAll('{FILMS}')].every(video => video.currentTime > 0.3)"
    )
    part(ready, "play").click()
    assert part(ready, "play").inner_text() == "Play"
    assert len(times(ready)) == 5
    assert max(times(ready)) - min(times(ready)) < 0.3
    assert float(part(ready, "scrubber").input_value()) > 0


def test_playing_ends_at_the_end_and_does_not_loop(ready):
    part(ready, "speed").select_option("4")
    part(ready, "play").click()
    wait_until(ready, f"document.querySelector('{STAGE} [data-part=play]').textContent === 'Play'")
    assert min(times(ready)) == pytest.approx(1.0, abs=0.05)
    part(ready, "speed").select_option("0.25")
    part(ready, "play").click()
    wait_until(ready, f"document.querySelector('{FILMS}').currentTime < 0.9")


def test_keys_do_what_the_buttons_do(ready):
    part(ready, "play").focus()
    ready.keyboard.press("ArrowRight")
    ready.keyboard.press("ArrowRight")
    assert times(ready) == pytest.approx([0.2] * 5, abs=0.01)
    ready.keyboard.press("ArrowLeft")
    assert times(ready) == pytest.approx([0.1] * 5, abs=0.01)
    ready.keyboard.press("End")
    assert times(ready) == pytest.approx([1.0] * 5, abs=0.01)
    ready.keyboard.press("Home")
    assert times(ready) == [0.0] * 5
    part(ready, "speed").select_option("0.25")
    part(ready, "play").focus()
    ready.keyboard.press(" ")
    assert part(ready, "play").inner_text() == "Pause"
    ready.keyboard.press(" ")
    assert part(ready, "play").inner_text() == "Play"


def test_the_scrubber_moves_all_films(ready):
    part(ready, "scrubber").fill("0.7")
    assert times(ready) == pytest.approx([0.7] * 5, abs=0.01)
    assert "0.7 of 1.0 s" in part(ready, "clock").inner_text()


def test_another_task_shows_its_own_films(ready):
    before = ready.eval_on_selector_all(FILMS, "videos => videos.map(video => video.src)")
    part(ready, "task").select_option("sorting")
    wait_until(ready, READY)
    after = ready.eval_on_selector_all(FILMS, "videos => videos.map(video => video.src)")
    assert not set(before) & set(after)
    labels = ready.eval_on_selector_all(FILMS, "videos => videos.map(video => video.ariaLabel)")
    assert all("on sorting: " in label for label in labels)
    captions = ready.locator(f"{STAGE} figcaption").all_inner_texts()
    assert all("✓ success, step" in text or "✗ failure, step" in text for text in captions)


def test_every_figure_is_shown_and_has_words(page):
    figures = page.eval_on_selector_all(
        "figure[id] .scroll img",
        "images => images.map(image => [image.alt.length, image.complete, image.naturalWidth])",
    )
    assert len(figures) == len(FIGURES)
    assert all(words > 100 and loaded and width > 0 for words, loaded, width in figures)


def test_a_phone_never_scrolls_sideways(page):
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_without_javascript_all_but_the_player_is_there(chromium, report):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#player_rollouts").is_hidden()
    assert page.get_by_text("The player needs JavaScript").is_visible()
    for name in ("verdict", "success_by_start", "watch", "tables"):
        assert page.locator(f"#{name}").is_visible()
    context.close()


def test_axe_finds_no_serious_violation(ready, grave_violations):
    assert grave_violations(ready) == {}


def test_headings_are_in_order(page):
    levels = page.eval_on_selector_all(
        "h1, h2, h3, h4", "headings => headings.map(heading => Number(heading.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
