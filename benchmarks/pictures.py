"""The pictures of README and documentation that show the default experiment, from its results.

Writes them to `docs/images`: parts of the report as Chromium shows it, moments of films, the arms side
by side, and figures of the comparison. Figure: `pictures`, how many were written.
"""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from fedarm.experiment import Experiment, load_experiment
from fedarm.paths import write_atomic
from fedarm.rollout.recording import BARE_FRAMES

WIDTH_PX = 960
BELOW_PX = 24
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# So high that nothing has to be scrolled: the player's controls would move along.
HEIGHT_PX = 20_000
# Of the report: the verdicts on the clients' tasks, what they rest on, and the player.
PARTS = (".verdict.primary", "figure#verdict", "#watch .player")
FIGURES = ("verdict", "success_by_seed", "task_matrix", "progress")
MOMENTS = 5
FILMED, SIDE_BY_SIDE = "stacking", "sorting"

Picture = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    parser.add_argument("--arm", default="fedavgm", help="the federated arm whose film is shown")
    parser.add_argument("--images", type=Path, default=Path("docs/images"))
    args = parser.parse_args()
    experiment = load_experiment(args.config)
    reference = experiment.config.compare.reference
    pictures = {
        "report": report_parts(experiment.comparison / "report.html"),
        "film": film_strip(experiment, reference),
        "rollouts": np.vstack([film_strip(experiment, name) for name in (reference, args.arm)]),
        "arms": arms_side_by_side(experiment),
    }
    for name, picture in pictures.items():
        write_atomic(args.images / f"{name}.png", png(picture))
    for name in FIGURES:
        file = experiment.comparison / "figures" / f"{name}.svg"
        write_atomic(args.images / "lab" / file.name, file.read_bytes())
    print(f"pictures: {len(pictures) + len(FIGURES)}")


def report_parts(report: Path) -> Picture:
    """Return the parts of a report below each other, as wide as the page."""
    browser_file = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_file is None:
        raise SystemExit(f"no browser on the PATH: install one of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_file, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX})
        page.goto(report.absolute().as_uri())
        page.wait_for_timeout(1000)
        parts = [cut for selector in PARTS for cut in cuts(page, selector)]
        browser.close()
    return np.vstack(parts)


def cuts(page: Page, selector: str) -> list[Picture]:
    """Return the page's stripes that hold what a selector finds."""
    stripes = []
    for element in page.locator(selector).all():
        box = element.bounding_box()
        assert box is not None, selector
        height = box["height"] + BELOW_PX
        shown = page.screenshot(clip={"x": 0, "y": box["y"], "width": WIDTH_PX, "height": height})
        stripes.append(np.asarray(Image.open(io.BytesIO(shown)).convert("RGB")))
    return stripes


def film_strip(experiment: Experiment, name: str) -> Picture:
    """Return moments of a run's last film, from its start to its outcome, side by side."""
    folder = experiment.root / name / f"seed{experiment.config.seeds[0]}" / "rollouts" / FILMED
    shown = frames(max((folder / "videos").glob("*.mp4")))[:-BARE_FRAMES]
    return np.hstack([shown[at] for at in np.linspace(0, len(shown) - 1, MOMENTS).astype(int)])


def arms_side_by_side(experiment: Experiment) -> Picture:
    """Return how all arms ended from one initial condition."""
    return frames(experiment.root / "reels" / f"arms_{SIDE_BY_SIDE}.mp4")[-1]


def frames(film: Path) -> list[Picture]:
    """Return the pictures of a film `(height, width, 3)`."""
    with av.open(str(film)) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return [np.asarray(picture, np.uint8) for picture in decoded]


def png(picture: Picture) -> bytes:
    """Return a picture as a PNG file."""
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG", optimize=True)
    return data.getvalue()


if __name__ == "__main__":
    main()
