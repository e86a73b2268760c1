"""Lists what the tests of the pages leave to people: links to elsewhere, and blocks that are not run.

Usage: python -m tests.unit.docs.listing
"""

from __future__ import annotations

from .pages import REPOSITORY, all_blocks, links, pages


def main() -> None:
    outside: dict[str, list[str]] = {}
    for page in pages():
        for link in links(page):
            if link.startswith(("http://", "https://")):
                outside.setdefault(link, []).append(page.relative_to(REPOSITORY).as_posix())
    print(f"{len(outside)} links to elsewhere, which are not fetched:")
    for link, places in sorted(outside.items()):
        print(f"  {link}  ({', '.join(places)})")
    shown = all_blocks("bash", "console")
    left = [block for block in shown if block.not_run]
    print(f"{len(left)} of {len(shown)} blocks of commands are not run by the tests:")
    for block in left:
        print(f"  {block}: {block.not_run}")


if __name__ == "__main__":
    main()
