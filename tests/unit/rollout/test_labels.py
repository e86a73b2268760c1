"""Labels of a real arm: what is read, and each mistake named with its line."""

import pytest

from fedarm.errors import DataError
from fedarm.evaluation_settings import RecordedSettings, Recording
from fedarm.paths import RunPaths
from fedarm.rollout.labels import read_labels
from fedarm.settings import Run

HEADER = "dataset,episode,arm,seed,initial_condition,success,note"
GOOD = (
    "left,0,central,0,0,1,",
    "left,1,central,1,0,no,dropped it",
    "left,2,fedprox,0,0,TRUE,",
    'left,3,fedprox,1,0,0,"slipped, then fell"',
    "right,0,central,0,0,yes,",
    "right,1,central,1,0,false,",
    "right,2,fedprox,0,0,1,",
    "right,3,fedprox,1,0,1,",
)


@pytest.fixture
def settings(tmp_path):
    runs = tuple(
        (Run(arm, arm, "central", seed, ("left",)), 4, RunPaths(tmp_path / arm, federated=False))
        for arm in ("central", "fedprox")
        for seed in (0, 1)
    )
    return RecordedSettings(
        runs=runs,
        labels=tmp_path / "labels.csv",
        recordings=tuple(
            Recording(name, tmp_path / name, unseen=False) for name in ("left", "right")
        ),
        videos=1,
        video_size=320,
    )


def write(settings, *lines, header=HEADER):
    settings.labels.write_text("\n".join((header, *lines)) + "\n")
    return settings


def refuse(settings) -> str:
    with pytest.raises(DataError) as refused:
        read_labels(settings)
    assert str(settings.labels) in str(refused.value)
    assert "remedy:" in str(refused.value)
    return str(refused.value)


def test_every_way_to_write_success_is_read(settings):
    labels = read_labels(write(settings, *GOOD))
    found = [label.success for label in labels]
    assert found == [True, False, True, False, True, False, True, True]
    assert labels[3].note == "slipped, then fell"
    assert (labels[1].dataset, labels[1].name, labels[1].seed) == ("left", "central", 1)


def test_empty_lines_other_columns_and_a_byte_order_mark_do_not_matter(settings):
    header = "\ufeffoperator, " + HEADER.replace(",", ", ")
    lines = [line for good in GOOD for line in (f"me, {good}", "")]
    assert read_labels(write(settings, *lines, header=header)) == read_labels(
        write(settings, *GOOD)
    )


@pytest.mark.parametrize("column", ["episode", "arm", "seed", "initial_condition", "success"])
def test_a_missing_column_is_named(settings, column):
    names = HEADER.split(",")
    lines = []
    for line in GOOD[:3]:
        cells = dict(zip(names, line.split(","), strict=True))
        lines.append(",".join(cells[name] for name in names if name != column))
    kept = ",".join(name for name in names if name != column)
    assert f"key:    {column}" in refuse(write(settings, *lines, header=kept))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("left,4,centrl,0,1,1,", ["line 10", "key:    arm", "'centrl'", "did you mean 'central'"]),
        ("lft,4,central,0,1,1,", ["line 10", "key:    dataset", "did you mean 'left'"]),
        ("left,4,central,2,1,1,", ["line 10", "key:    seed", "known: 0, 1"]),
        ("left,4,central,0,1,maybe,", ["line 10", "key:    success", "'maybe'", "yes"]),
        ("left,4,central,0,1,,", ["line 10", "key:    success", "''"]),
        ("left,-4,central,0,1,1,", ["line 10", "key:    episode", "'-4'", "whole number"]),
        ("left,4,central,0,1.5,1,", ["line 10", "key:    initial_condition", "'1.5'"]),
        ("left,0,central,0,1,1,", ["line 10", "key:    episode", "stands in line 2 already"]),
        ("left,4,central,0,0,1,", ["line 10", "key:    initial_condition", "line 2 already"]),
        ("left,4,central,0,1,1,a,b", ["line 10", "8 cells, the header 7", "quotes"]),
    ],
)
def test_a_bad_line_is_named(settings, line, says):
    message = refuse(write(settings, *GOOD, line))
    for part in says:
        assert part in message


def test_two_tasks_recorded_into_one_dataset_share_its_episodes(settings):
    same = settings.recordings[0].folder
    recordings = tuple(Recording(each.dataset, same, unseen=False) for each in settings.recordings)
    shared = RecordedSettings(settings.runs, settings.labels, recordings, videos=0, video_size=320)
    write(shared, *GOOD)
    assert "stands in line 2 already" in refuse(shared)


def test_a_run_without_an_episode_is_named(settings):
    message = refuse(write(settings, *GOOD[:-1]))
    assert "dataset right" in message
    assert "fedprox seed 1" in message


def test_no_file_and_no_row(settings):
    assert "cannot read" in refuse(settings)
    assert "no row" in refuse(write(settings))
    settings.labels.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refuse(settings)


def test_what_can_only_be_one_may_be_left_out(settings):
    one = RecordedSettings(
        settings.runs[:1], settings.labels, settings.recordings[:1], videos=0, video_size=320
    )
    write(one, "0,central,0,1", "1,central,1,0", header="episode,arm,initial_condition,success")
    assert [(label.dataset, label.seed) for label in read_labels(one)] == [("left", 0)] * 2
