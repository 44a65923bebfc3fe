"""A fleet on object storage: a local server that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from fleet_data import TINY, frames, same_scores, write_files, write_long
from offbeat import DataError
from offbeat.fleet import Fleet

server = pytest.importorskip("moto.server")
pytest.importorskip("s3fs")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket on a server of its own."""
    made = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        fsspec.filesystem("s3").mkdir("fleet")
        yield "s3://fleet"
        fsspec.filesystem("s3").clear_instance_cache()
    made.stop()


def test_data_models_and_results_on_s3(bucket: str, tmp_path: Path) -> None:
    fleet = frames(4)
    local = write_long(tmp_path / "long.parquet", fleet)
    fsspec.filesystem("s3").put(str(local), "fleet/data/long.parquet")
    for place, data in ((bucket, f"{bucket}/data"), (str(tmp_path), str(local))):
        made = Fleet(data, key="pump", workers=0, shard_series=2)
        assert made.train(f"{place}/models", TINY).succeeded == 4
        assert made.score(f"{place}/models", f"{place}/scores").succeeded == 4
    fsspec.filesystem("s3").get("fleet/scores/scores", str(tmp_path / "from/"), recursive=True)
    (tmp_path / "from").rename(tmp_path / "remote")
    (tmp_path / "kept").mkdir()
    (tmp_path / "remote").rename(tmp_path / "kept" / "scores")
    assert same_scores(tmp_path / "scores", tmp_path / "kept")
    assert "pump 3" in Fleet.open(f"{bucket}/models")


def test_a_folder_of_files_on_s3(bucket: str, tmp_path: Path) -> None:
    fsspec.filesystem("s3").put(
        str(write_files(tmp_path / "files", frames(2))), "fleet/files", recursive=True
    )
    run = Fleet(f"{bucket}/files", workers=0).train(str(tmp_path / "m"), TINY)
    assert run.succeeded == 2


def test_a_bucket_that_is_not_there_or_may_not_be_read(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError) as told:
        Fleet("s3://nowhere/data", workers=0).train(str(tmp_path / "m"))
    assert "\n" not in str(told.value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(DataError, match="check the credentials"):
        Fleet(f"{bucket}/files", workers=0).train(str(tmp_path / "m"))
