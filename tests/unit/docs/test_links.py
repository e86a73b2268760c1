"""No link between the pages is dead; links to elsewhere are listed by `make docs`, not fetched."""

import pytest

from .pages import DOCS, REPOSITORY, anchors, links, pages

PAGES = pages()


def dead_links(page):
    """Return a page's relative links whose file or heading is not there, and why."""
    dead = []
    for link in links(page):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            dead.append(f"{link}: no such file")
        elif page.is_relative_to(DOCS) and not target.is_relative_to(DOCS):
            dead.append(f"{link}: not a page of the site, which holds docs/ alone")
        elif anchor and anchor not in anchors(target):
            dead.append(f"{link}: no such heading")
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page):
    assert dead_links(page) == []


def test_a_dead_link_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__package__}.test_links.DOCS", tmp_path)
    (tmp_path / "other.md").write_text("# Two words: here\n")
    (tmp_path.parent / "outside.md").write_text("# Outside\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md) [b](other.md#two-words-here) [c](other.md#three) ![d](none.png)\n"
        "`[e](code.md)` [f](../outside.md) [g](https://example.org/none)\n"
        "```text\n[h](block.md)\n```\n<!-- [i](comment.md) -->\n"
    )
    assert [line.split(":")[0] for line in dead_links(page)] == [
        "other.md#three",
        "none.png",
        "../outside.md",
    ]


def test_every_page_is_in_the_navigation():
    navigation = (REPOSITORY / "zensical.toml").read_text()
    for page in sorted(DOCS.rglob("*.md")):
        assert f'"{page.relative_to(DOCS).as_posix()}"' in navigation, page
