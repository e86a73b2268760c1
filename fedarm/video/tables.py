"""`video_analysis.json`, and the same videos as a parquet table beside it: one row a video."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fedarm.paths import atomic_file, write_json

_TEXT, _WHOLE, _NUMBER, _FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_SCHEMA = pa.schema(
    [
        ("file", _TEXT),
        ("arm", _TEXT),
        ("run", _TEXT),
        ("seed", _WHOLE),
        ("round", _WHOLE),
        ("dataset", _TEXT),
        ("task", _TEXT),
        ("variant", _TEXT),
        ("episode", _WHOLE),
        ("initial_condition_seed", _WHOLE),
        ("decodable", _FLAG),
        ("reason", _TEXT),
        ("findings", pa.list_(_TEXT)),
        ("codec", _TEXT),
        ("width", _WHOLE),
        ("height", _WHOLE),
        ("frames", _WHOLE),
        ("fps", _NUMBER),
        ("constant_rate", _FLAG),
        ("duration_s", _NUMBER),
        ("completion_time_s", _NUMBER),
        ("smoothness_sparc", _NUMBER),
        ("ldlj_actions", _NUMBER),
        ("path_length_px", _NUMBER),
        ("idle_share", _NUMBER),
        ("frozen_share", _NUMBER),
        ("black_share", _NUMBER),
        ("success_env", _FLAG),
        ("success_video", _FLAG),
        ("success_fitted", _FLAG),
    ]
)


def write_analysis(file: Path, analysis: Mapping[str, Any]) -> None:
    """Write an analysis, and its table beside it; the same videos give the same bytes.

    Args:
        file: The JSON file; the table has its name and `.parquet`.
        analysis: The content of `video_analysis.json`.

    Raises:
        ResultsError: The folder cannot be written.
    """
    rows = [
        {**video, "findings": [finding["kind"] for finding in video["findings"]]}
        for video in analysis["videos"]
    ]
    arrays = [pa.array([row[field.name] for row in rows], type=field.type) for field in _SCHEMA]
    with atomic_file(file.with_suffix(".parquet")) as temporary:
        pq.write_table(pa.table(arrays, schema=_SCHEMA), temporary, compression="zstd")
    # Last, so that whoever finds the JSON finds the table.
    write_json(file, analysis)
