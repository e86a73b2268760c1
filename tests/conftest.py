"""Headless Chromium, for the tests that read a page.

Chromium is the system's: packages of browsers are not in the lock. Without one these tests are skipped.
"""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


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
def grave_violations():
    """Return a function that says what axe finds serious or critical in a page, with examples."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")

    def look(page):
        return {
            violation["id"]: [node["html"][:120] for node in violation["nodes"][:3]]
            for violation in axe.Axe().run(page).response["violations"]
            if violation["impact"] in {"serious", "critical"}
        }

    return look
