import pytest

from fedarm.errors import ResultsError
from fedarm.locks import only_writer


def test_only_one_writes(tmp_path):
    with only_writer(tmp_path):
        second = only_writer(tmp_path, timeout_s=0)
        with pytest.raises(ResultsError, match="another process writes these results"):
            second.__enter__()
        assert list(tmp_path.iterdir()) == []
    with only_writer(tmp_path, timeout_s=0):
        pass
