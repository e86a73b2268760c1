"""Reads the repository's Markdown: blocks of code with their marks, pieces of code, links, headings.

A block that is not run where the tests run says so in a comment on the line before it:

    <!-- not run: needs a real arm -->
    <!-- tested: tests/sites/test_training.py::test_sites_end_with_the_bytes_of_one_process -->
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
DOCS = REPOSITORY / "docs"

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>```+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=ticks) *$",
    re.M | re.S,
)
_MARK = re.compile(r"<!-- (not run|tested): ((?:(?!-->).)+) -->\n *\Z", re.S)
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_INLINE = re.compile(r"(?<!`)`((?:[^`\n]|\n(?!\n))+)`(?!`)")
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*?) *#*$", re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        page: The page, relative to the repository.
        line: Where the block begins, from 1.
        language: What follows the ticks.
        title: The file that the block is, or changes; empty without one.
        text: The code, without the indentation of the block.
        not_run: Why it cannot be run by the tests; empty if it can.
        tested: The tests that run it, as `file::name`.
    """

    page: str
    line: int
    language: str
    title: str
    text: str
    not_run: str
    tested: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return all pages: those at the root, and those of the site."""
    return [*sorted(REPOSITORY.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """Yield a page's blocks in their order."""
    content = page.read_text(encoding="utf-8")
    for fence in _FENCE.finditer(content):
        before = content[: fence.start()]
        mark = _MARK.search(before)
        kind, what = mark.groups() if mark else ("", "")
        language, _, rest = fence["info"].strip().partition(" ")
        title = re.search(r'title="([^"]*)"', rest)
        indent = len(fence["indent"])
        lines = [line[indent:] for line in fence["text"].splitlines(keepends=True)]
        yield Block(
            page=page.relative_to(REPOSITORY).as_posix(),
            line=before.count("\n") + 1,
            language=language,
            title=title[1] if title else "",
            text="".join(lines),
            not_run=" ".join(what.split()) if kind == "not run" else "",
            tested=tuple(what.split()) if kind == "tested" else (),
        )


def all_blocks(*languages: str) -> list[Block]:
    """Return the blocks of all pages, of these languages or of any."""
    found = (block for page in pages() for block in blocks(page))
    return [block for block in found if not languages or block.language in languages]


def commands(block: Block) -> list[list[str]]:
    """Return the commands of a block as words: its lines, or in `console` those after a `$`."""
    text = block.text.replace("\\\n", " ")
    if block.language == "console":
        text = "\n".join(line[2:] for line in text.splitlines() if line.startswith("$ "))
    split = (shlex.split(line, comments=True) for line in text.splitlines())
    return [words for words in split if words]


def prose(page: Path) -> str:
    """Return a page without its blocks and comments."""
    return _COMMENT.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))


def inline_code(page: Path) -> list[str]:
    """Return what stands between single ticks in a page's prose."""
    return [" ".join(code.split()) for code in _INLINE.findall(prose(page))]


def links(page: Path) -> list[str]:
    """Return where a page's links and pictures point to."""
    return _LINK.findall(_INLINE.sub("", prose(page)))


def anchors(page: Path) -> set[str]:
    """Return the names that a page's headings can be linked by."""
    headings = _HEADING.findall(prose(page))
    return {
        re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())
        for heading in headings
    }
