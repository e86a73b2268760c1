"""What a documented command may name: commands, options, rules, targets of make, files, keys."""

from __future__ import annotations

import argparse
import functools
import re
import shlex
import typing
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pydantic import BaseModel

from fedarm import cli
from fedarm.config import Config

from .pages import REPOSITORY

MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.M))
RULES = {
    name
    for file in [REPOSITORY / "Snakefile", *(REPOSITORY / "rules").glob("*.smk")]
    for name in re.findall(r"^ *rule (\w+):", file.read_text(encoding="utf-8"), re.M)
}


def problems(words: Sequence[str]) -> list[str]:
    """Return what a command names that is not there."""
    known = {
        "fedarm": _fedarm,
        "make": _make,
        "snakemake": _snakemake,
        "pytest": _pytest,
        "python": _pytest,
    }
    return known[words[0]](words[1:]) if words and words[0] in known else []


def _fedarm(words: Sequence[str]) -> list[str]:
    parser = cli._parser()
    for word in words:
        choices = _subcommands(parser)
        if not choices or word.startswith("-"):
            break
        if word not in choices:
            return [f"no command {word!r} of {parser.prog}"]
        parser = choices[word]
    known = parser._option_string_actions
    return [f"no option {word} of {parser.prog}" for word in _options(words) if word not in known]


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _make(words: Sequence[str]) -> list[str]:
    variables = dict(word.split("=", 1) for word in words if "=" in word)
    missing = [f"no target {word!r}" for word in words if "=" not in word and word not in TARGETS]
    arguments = shlex.split(variables.get("ARGS", ""))
    if "run" in words:
        return [*missing, *_snakemake(arguments)]
    if "NAME" not in variables:
        return missing
    benchmark = REPOSITORY / "benchmarks" / f"{variables['NAME']}.py"
    if not benchmark.exists():
        return [*missing, f"no {benchmark.name} in benchmarks/"]
    source = benchmark.read_text(encoding="utf-8")
    options = [each for each in _options(arguments) if each not in source]
    return [*missing, *(f"no {each} of {benchmark.name}" for each in options)]


def _snakemake(words: Sequence[str]) -> list[str]:
    known = snakemake_options()
    missing = [f"no option {word} of snakemake" for word in _options(words) if word not in known]
    for option, value in pairwise(words):
        if option in {"--until", "--omit-from", "--forcerun", "-R"} and value not in RULES:
            missing.append(f"no rule {value!r}")
        if option == "--configfile" and "/" in value and not (REPOSITORY / value).exists():
            missing.append(f"no file {value}")
    return missing


def _pytest(words: Sequence[str]) -> list[str]:
    files = [word.split("::")[0] for word in words if "/" in word]
    return [f"no file {file}" for file in files if not (REPOSITORY / file).exists()]


def _options(words: Sequence[str]) -> list[str]:
    return [word.split("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)]


@functools.cache
def snakemake_options() -> frozenset[str]:
    """Return the options of Snakemake's command."""
    from snakemake.cli import get_argument_parser

    return frozenset(get_argument_parser()._option_string_actions)


@functools.cache
def fedarm_options() -> frozenset[str]:
    """Return the options of all of fedarm's commands."""

    def below(parser: argparse.ArgumentParser) -> Iterator[str]:
        yield from parser._option_string_actions
        for child in _subcommands(parser).values():
            yield from below(child)

    return frozenset(below(cli._parser()))


def has_key(path: str) -> bool:
    """Return whether the configuration has a key, as in `rollout.progress.rounds`."""
    models: list[type[BaseModel]] = [Config]
    for name in path.split("."):
        for model in models:
            # Until a model is built, what its fields hold is text.
            model.model_rebuild()
        fields = [model.model_fields[name] for model in models if name in model.model_fields]
        if not fields:
            return False
        models = [model for field in fields for model in _models(field.annotation)]
    return True


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models(part)
