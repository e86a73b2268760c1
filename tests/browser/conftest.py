"""A fabricated experiment's report in headless Chromium, driven by Playwright.

Chromium is the system's: packages of browsers are not in the lock. Without one these tests are skipped.
"""

import os
import shutil

import pytest

from fedarm.report.build import write_comparison
from tests.unit.report.conftest import SMALL
from tests.unit.report.fabrication import fabricate

NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """Return the file of a written report, with real films."""
    root = tmp_path_factory.mktemp("report")
    write_comparison(fabricate(root / "results", episodes=12, **SMALL), root / "comparison")
    return root / "comparison" / "report.html"


@pytest.fixture(scope="session")
def chromium():
    """Return a running browser."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on the PATH: install one of {', '.join(NAMES)}")
    driver = pytest.importorskip("playwright.sync_api")
    # Chromium refuses its sandbox to root, which is who runs in containers.
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


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
