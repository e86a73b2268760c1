"""Defects planted one at a time into clean datasets of the lab: which are found, located and repaired?

Figures: `detected_share` (1.0), `false_alarms` on clean datasets (0), `repaired_share`. Every defect is
planted at three strengths into each of three clean datasets; with `--quick` these take turns.
`--rivals` runs lerobot-doctor and lerobot-lint on the same datasets, from an environment of their own
that uv makes, and `--write` puts the table into docs/data_checks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from defects.corpus import BASES, clean_datasets
from defects.document import write_document
from defects.rivals import RIVALS, Verdicts, try_rivals
from defects.trial import Case, Outcome, all_cases, try_case

from fedarm.data.checks import run_checks

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    args = parse_arguments()
    clean = clean_datasets(args.cache)
    cases = [
        case
        for case in all_cases(list(BASES), every_base=not args.quick)
        if not args.only or case.defect in args.only
    ]
    outcomes = run_cases(cases, clean)
    alarms = false_alarms(clean)
    rivals = try_rivals(cases, clean) if args.rivals else None
    if rivals is not None:
        for rival, trouble in rivals.unavailable.items():
            print(f"{rival} could not be run: {trouble}")
    for alarm in alarms:
        print(f"false alarm on {alarm}")
    if args.json:
        args.json.write_text(json.dumps([describe(outcome) for outcome in outcomes], indent=1))
    if args.write:
        write_document(ROOT / "docs" / "data_checks.md", outcomes, alarms, len(clean), rivals)
    print_figures(outcomes, alarms, rivals)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    cache = ROOT / "results" / "benchmarks" / "data_checks"
    parser.add_argument("--cache", type=Path, default=cache, help="where clean datasets are kept")
    parser.add_argument("--quick", action="store_true", help="each strength into one dataset only")
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--json", type=Path, help="write every outcome there")
    parser.add_argument("--only", nargs="+", help="these defects only", default=())
    return parser.parse_args()


def run_cases(cases: Sequence[Case], clean: dict[str, Path]) -> list[Outcome]:
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        folders = [clean[case.base] for case in cases]
        outcomes = []
        for outcome in pool.map(run_case, cases, folders):
            if outcome.detail:
                print(f"{outcome.case.name}: {outcome.detail}", flush=True)
            outcomes.append(outcome)
        return outcomes


def run_case(case: Case, clean: Path) -> Outcome:
    with tempfile.TemporaryDirectory() as name:
        return try_case(case, clean, Path(name))


def false_alarms(clean: dict[str, Path]) -> list[str]:
    """Return one line a finding on a dataset that has no defect."""
    return [
        f"{name}: {finding['check']}: {finding['message']}"
        for name, folder in clean.items()
        for finding in run_checks(folder, name=name).to_json()["findings"]
    ]


def describe(outcome: Outcome) -> dict:
    return {**vars(outcome), "case": outcome.case.name}


def print_figures(
    outcomes: Sequence[Outcome], alarms: Sequence[str], rivals: Verdicts | None
) -> None:
    for name, value in figures(outcomes, alarms, rivals):
        print(f"{name}: {value}")


def figures(
    outcomes: Sequence[Outcome], alarms: Sequence[str], rivals: Verdicts | None
) -> Iterator[tuple[str, str]]:
    repairable = [outcome for outcome in outcomes if outcome.repairable]
    lossless = [outcome for outcome in repairable if outcome.restored is not None]
    sound = [o for o in repairable if o.repaired and o.restored is not False]
    yield "cases", str(len(outcomes))
    if rivals is not None:
        for rival in RIVALS:
            if rival not in rivals.unavailable:
                yield f"{rival}_detected_share", f"{rivals.detected_share(rival):.3f}"
                yield f"{rival}_false_alarms", str(rivals.false_alarms(rival))
    yield "named_share", share(o.found for o in outcomes)
    yield "restored_share", share(bool(o.restored) for o in lossless)
    yield "detected_share", share(o.located for o in outcomes)
    yield "false_alarms", str(len(alarms))
    yield "repaired_share", f"{len(sound) / len(repairable):.3f}" if repairable else "nan"


def share(hits: Iterator[bool]) -> str:
    values = list(hits)
    return f"{sum(values) / len(values):.3f}" if values else "nan"


if __name__ == "__main__":
    main()
