"""A stand-in for `conda`: answers what Snakemake asks of it, with a real solve and a real installation.

Its channels are the folders of those names in the folder `channels` of `STAND_IN_CONDA`. It refuses what
it does not know, so that a Snakemake that asks for more is noticed.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tests.conda.channel import SUBDIR

VERSION = "24.7.1"
ROOT = Path(os.environ["STAND_IN_CONDA"])


def main(arguments: list[str]) -> None:
    """Answer one command."""
    match arguments:
        case ["--version"]:
            print(f"conda {VERSION}")
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": str(ROOT), "platform": SUBDIR}))
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["clean", "-y", "--tarballs"]:
            # rattler unpacks as it downloads and keeps none.
            return
        case ["env", "create", "--quiet", "--no-default-packages", *options]:
            parser = argparse.ArgumentParser()
            parser.add_argument("--file", type=Path, required=True)
            parser.add_argument("--prefix", type=Path, required=True)
            create(**vars(parser.parse_args(options)))
        case _:
            raise SystemExit(f"the stand-in for conda does not know: {' '.join(arguments)}")


def create(file: Path, prefix: Path) -> None:
    """Solve an environment's conda packages, install them, and then its pip section as conda does."""
    content = yaml.safe_load(file.read_text())
    packages = [entry for entry in content["dependencies"] if isinstance(entry, str)]
    pins = [
        pin for entry in content["dependencies"] if isinstance(entry, dict) for pin in entry["pip"]
    ]
    asyncio.run(install(packages, content["channels"], prefix))
    with tempfile.NamedTemporaryFile("w", suffix=".requirements.txt") as requirements:
        requirements.write("\n".join(pins))
        requirements.flush()
        command = [prefix / "bin" / "python", "-m", "pip", "install", "-U", "-r", requirements.name]
        subprocess.run([*command, "--exists-action=b"], check=True)


async def install(packages: list[str], channels: list[str], prefix: Path) -> None:
    """Solve and install conda packages."""
    import rattler

    records = await rattler.solve(
        sources=[(ROOT / "channels" / name).as_uri() for name in channels],
        specs=packages,
        platforms=[SUBDIR, "noarch"],
        virtual_packages=rattler.VirtualPackage.detect(),
    )
    await rattler.install(
        records, target_prefix=prefix, cache_dir=ROOT / "pkgs", show_progress=False
    )


if __name__ == "__main__":
    main(sys.argv[1:])
