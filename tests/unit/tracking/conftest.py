"""A run's folder whose history a test writes, as a training job does."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Job:
    """What a training job of one run writes for others to read."""

    root: Path
    run: str = "fedprox/seed0"

    @property
    def folder(self) -> Path:
        return self.root / self.run / "checkpoints"

    def begin(self, fingerprint: str = "first") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "store.json").write_text(json.dumps({"fingerprint": fingerprint}))
        (self.folder / "metrics.jsonl").write_text("")

    def note(self, number: int, loss: float | None = None) -> None:
        loss = 1 / (number + 1) if loss is None else loss
        line = {
            "round": number,
            "samples": 32,
            "held_out_loss": {"sorting": loss},
            "clients": {"sorting": {"policy_loss": 2 * loss, "samples": 32}},
            "exclusions": [{"client": "pickplace", "stage": "train"}],
        }
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def rewind(self, last: int) -> None:
        """Forget the rounds after one, as a job does that was killed and goes on."""
        file = self.folder / "metrics.jsonl"
        lines = [
            line for line in file.read_text().splitlines() if json.loads(line)["round"] <= last
        ]
        file.write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def job(tmp_path):
    job = Job(tmp_path / "results" / "smoke")
    job.begin()
    return job
