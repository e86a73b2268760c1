"""A fabricated experiment's report in headless Chromium, driven by Playwright."""

import pytest

from fedarm.report.build import write_comparison
from tests.unit.report.conftest import SMALL
from tests.unit.report.fabrication import fabricate

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """Return the file of a written report, with real films."""
    root = tmp_path_factory.mktemp("report")
    write_comparison(fabricate(root / "results", episodes=12, **SMALL), root / "comparison")
    return root / "comparison" / "report.html"


@pytest.fixture
def watched(chromium):
    """Return a page on a desktop's screen, and what it complained of and asked for."""
    page = chromium.new_page(viewport=DESKTOP)
    complaints, requests = [], []
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    yield page, complaints, requests
    page.close()


@pytest.fixture
def page(watched, report):
    """Return the loaded report."""
    page, _, _ = watched
    page.goto(report.as_uri())
    return page
