"""Directories at s3:// URLs, on a real S3 server: whole or not at all, and one sentence for what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import fsspec
import httpx
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from moto.server import ThreadedMotoServer

from model.errors import InputError, SurroundingsError
from model.remote import local_directory, local_file, send, workplace
from service.cli import main

LAST = "baseline.json"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """An empty bucket `news-bucket`; a call gives the keys in it, in the order in which they came."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    httpx.post(f"{server}/moto-api/reset")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    client = boto3.client("s3")
    client.create_bucket(Bucket="news-bucket")

    def keys() -> list[str]:
        listed = client.list_objects_v2(Bucket="news-bucket").get("Contents", [])
        return [each["Key"] for each in sorted(listed, key=lambda each: each["LastModified"])]

    return keys


def make(directory: Path) -> None:
    (directory / "plots").mkdir(parents=True)
    (directory / LAST).write_text("{}")
    (directory / "reference.parquet").write_bytes(b"rows")
    (directory / "plots" / "roc.png").write_bytes(b"picture")


def test_a_directory_goes_there_and_comes_back(bucket: Callable[[], list[str]]) -> None:
    url = "s3://news-bucket/models/one"
    with workplace(url, LAST) as directory:
        make(directory)
        send(directory, url, LAST)
    assert sorted(bucket()) == [f"models/one/{name}" for name in (LAST, "plots/roc.png", "reference.parquet")]
    with local_directory(f"{url}/") as found:
        assert found.name == "one"
        assert (found / "plots" / "roc.png").read_bytes() == b"picture"
        kept = found
    assert not kept.exists()
    with local_file(f"{url}/reference.parquet") as file:
        assert (file.name, file.read_bytes()) == ("reference.parquet", b"rows")
    with pytest.raises(InputError, match="exists already"), workplace(url, LAST):
        pass


def test_half_of_a_directory_lacks_the_file_that_makes_it_whole(
    bucket: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fsspec.get_filesystem_class("s3")
    sent: list[str] = []
    real = store.put_file

    def failing(self: Any, local: str, remote: str, **more: Any) -> Any:
        sent.append(Path(local).name)
        if len(sent) == 3:
            raise ConnectionResetError("gone")
        return real(self, local, remote, **more)

    monkeypatch.setattr(store, "put_file", failing)
    make(tmp_path / "made")
    with pytest.raises(SurroundingsError, match="cannot be written"):
        send(tmp_path / "made", "s3://news-bucket/half", LAST)
    assert sent[-1] == LAST
    assert len(bucket()) == 2
    with workplace("s3://news-bucket/half", LAST):
        """A second try may take the same place."""


def test_a_path_is_a_path(tmp_path: Path) -> None:
    with workplace(str(tmp_path / "new"), LAST) as directory:
        assert directory == tmp_path / "new"
        send(directory, str(directory), LAST)
    with pytest.raises(InputError, match="exists already"), workplace(str(tmp_path), LAST):
        pass
    with local_directory(str(tmp_path)) as same, local_file(str(tmp_path / "x")) as file:
        assert (same, file) == (tmp_path, tmp_path / "x")


def test_what_is_not_there_is_said(bucket: Callable[[], list[str]]) -> None:
    with (
        pytest.raises(InputError, match="no such bucket: s3://lost-bucket/one"),
        workplace("s3://lost-bucket/one", LAST),
    ):
        pass
    with pytest.raises(InputError, match="nothing at s3://news-bucket/none"), local_directory("s3://news-bucket/none"):
        pass
    with pytest.raises(InputError, match="nothing at"), local_file("s3://news-bucket/none.csv"):
        pass
    with pytest.raises(InputError, match="no URL that can be"), workplace("nowhere://bucket/one", LAST):
        pass


def test_wrong_credentials_are_said(bucket: Callable[[], list[str]], server: str) -> None:
    httpx.post(f"{server}/moto-api/reset-auth", content=b"0")  # from now on nobody is let in
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    try:
        with pytest.raises(SurroundingsError, match="access is denied"), workplace("s3://news-bucket/one", LAST):
            pass
        with pytest.raises(SurroundingsError, match="access is denied"), local_directory("s3://news-bucket/one"):
            pass
    finally:
        httpx.post(f"{server}/moto-api/reset-auth", content=b"inf")


def test_a_server_that_does_not_answer_is_said(
    bucket: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(SurroundingsError, match="check credentials and network"), workplace("s3://b-ucket/one", LAST):
        pass


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_the_commands_take_urls(bucket: Callable[[], list[str]], tmp_path: Path) -> None:
    """Scores from s3://, the baseline to s3://, a check against it there."""
    rng = np.random.default_rng(0)
    score = rng.random(400)
    rows = pd.DataFrame(
        {"label": np.where(rng.random(400) < score, "yes", "no"), "score_no": 1 - score, "score_yes": score}
    )
    boto3.client("s3").put_object(Bucket="news-bucket", Key="scores.csv", Body=rows.to_csv(index=False).encode())
    url = "s3://news-bucket/baseline"
    ask = ("evaluate", "--predictions", "s3://news-bucket/scores.csv", "--label-column", "label")
    ask = (*ask, "--score-columns", "score_no", "score_yes")
    done = command(*ask, "--output", url)
    assert done.exit_code == 0, done.stderr
    assert bucket()[-1].startswith("baseline/")
    assert "baseline/baseline.json" in bucket()
    checked = command("check", "--baseline", url, "--predictions", "s3://news-bucket/scores.csv")
    assert checked.exit_code == 0, checked.stderr
    compared = command(*ask, "--compare", url, "--output", str(tmp_path / "again"))
    assert "on the 400 rows that both have" in compared.stdout, compared.stderr
    refused = command(*ask, "--output", "s3://lost-bucket/baseline")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "bertwatch: There is no such bucket: s3://lost-bucket/baseline.\n",
    )
