"""Digests see what matters and nothing else; seeds do not collide."""

from fedarm.provenance import derive_seed, digest_folder, digest_value


def test_seeds_differ_by_purpose_and_part():
    seeds = {
        derive_seed(0, "batches", 1, "left"),
        derive_seed(0, "batches", 11, "left"),
        derive_seed(0, "weights", 1, "left"),
        derive_seed(1, "batches", 1, "left"),
        derive_seed(0, "batches", "1", "left"),
    }
    assert len(seeds) == 5
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_digest_value_ignores_key_order():
    assert digest_value({"a": 1, "b": 2}) == digest_value({"b": 2, "a": 1})


def test_digest_folder_is_sorted_and_excludes(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_text("1")
    (tmp_path / "a").write_text("2")
    (tmp_path / "skip").write_text("3")
    assert list(digest_folder(tmp_path, exclude=["skip"])) == ["a", "b/x"]
