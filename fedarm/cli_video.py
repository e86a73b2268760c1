"""The subcommands of `fedarm video`: anyone's videos measured, without a simulator and without torch.

    fedarm video analyze PATH                   what is in these videos, and what is wrong with them

Exit codes: 0 nothing found, 1 something is wrong with a video, 2 not usable: no video, a wrong argument.
What a command needs is imported when it runs: help and mistakes answer at once.
"""

from __future__ import annotations

import argparse
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from fedarm.logging import Progress, log_to_stderr

ANALYSIS_FILE = "video_analysis.json"

_EXIT_CODES = "exit code: 0 nothing found, 1 something is wrong with a video, 2 not usable"


def add_commands(groups: Any) -> None:
    """Add `video` and its commands to the subparsers of the `fedarm` command."""
    video = groups.add_parser(
        "video", help="measure videos of robots, and find what is wrong in them"
    )
    commands = video.add_subparsers(required=True, metavar="COMMAND")
    text = "Measure the motion in videos, and find black, frozen, cut, truncated ones and the like"
    parser: argparse.ArgumentParser = commands.add_parser(
        "analyze", help=text[0].lower() + text[1:], description=f"{text}.", epilog=_EXIT_CODES
    )
    where = "a video, or a folder of them; a JSON of the same name beside a video says more of it"
    parser.add_argument("path", type=Path, metavar="PATH", help=where)
    parser.add_argument("--json", action="store_true", help="print JSON")
    output = f"write {ANALYSIS_FILE} and a parquet table there; by default nothing is written"
    parser.add_argument("--output", type=Path, metavar="FOLDER", help=output)
    parser.set_defaults(run=analyze)


def analyze(args: Namespace) -> int:
    """Measure videos, print what was found, and write it when asked to."""
    from fedarm import cli_text
    from fedarm.video.analysis import analyze_videos
    from fedarm.video.folder import find_videos
    from fedarm.video.tables import write_analysis

    files, root = find_videos(args.path)
    log_to_stderr()
    with Progress(len(files), label="videos", unit="videos") as progress:
        analysis = analyze_videos(files, root=root, advance=progress.advance)
    if args.output is not None:
        write_analysis(args.output / ANALYSIS_FILE, analysis)
    if args.json:
        print(json.dumps(analysis, indent=2, sort_keys=True, allow_nan=False))
    else:
        cli_text.show_videos(analysis)
    return int(analysis["counts"]["with_findings"] > 0)
