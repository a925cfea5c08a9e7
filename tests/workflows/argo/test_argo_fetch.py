"""Results from the bucket, laid out as a local run's, complete or refused."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from argo_commands import call, recorded
from argo_scenes import RUN, midway, succeeded
from argo_stub import StubArgo

from nucleoflow.backends.argo.fetch import download, stage_artifacts
from nucleoflow.backends.argo.stacked import publish
from nucleoflow.dag.plan import products_in
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.folder import RunFolder
from nucleops.errors import StorageUnreachable, TruncatedOutput, WrongInput
from nucleops.storage.folder import FolderStore

KEY = f"team/{RUN}"
MODELS = f"{KEY}/final/models"


def catalogue(*paths: str) -> bytes:
    items = [{"dflow_list_item": path, "order": i} for i, path in enumerate(paths)]
    return json.dumps({"path_list": items}).encode()


def archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


@pytest.fixture
def filled(bucket: FolderStore) -> FolderStore:
    """What a run leaves: an archive, the members of a fan-out, a folder as it is."""
    # as Argo packs it: the folder of the output, in which dflow made one of its own
    files = {"systems/systems/dimer.extxyz": b"2\n", "systems/systems/box.extxyz": b"3\n"}
    content = archive({**files, "systems/.dflow/a": catalogue("systems")})
    bucket.put_bytes(content, f"{KEY}/build/systems.tgz")
    for i in range(2):
        attempt = f"attempt-00000000000{i}"
        bucket.put_bytes(bytes([i]), f"{MODELS}/{attempt}/task.{1 - i:04d}/model.pb")
        bucket.put_bytes(catalogue(f"{attempt}/task.{1 - i:04d}/model.pb"), f"{MODELS}/.dflow/{i}")
    bucket.put_bytes(b"half", f"{MODELS}/attempt-aaaaaaaaaaaa/task.0001/model.pb")
    bucket.put_bytes(b"<html>", f"{KEY}/report/report/report/report.html")
    bucket.put_bytes(b"png", f"{KEY}/report/report/report/figures/a.png")
    bucket.put_bytes(catalogue("report"), f"{KEY}/report/report/.dflow/b")
    return bucket


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / RUN)
    folder.path.mkdir()
    return folder


def test_outputs_of_finished_stages() -> None:
    assert [(a.stage, a.name) for a in stage_artifacts(succeeded().workflow())] == [
        ("build", "systems"), ("report", "report"), ("learn", "models"),
    ]  # fmt: skip
    assert [a.name for a in stage_artifacts(midway().workflow())] == ["systems"]


def test_results_are_laid_out_as_those_of_a_local_run(filled: FolderStore, run: RunFolder) -> None:
    results = download(succeeded().workflow(), filled, run)
    files = sorted(str(p.relative_to(results)) for p in results.rglob("*") if p.is_file())
    assert files == [
        "models/task.0000/model.pb", "models/task.0001/model.pb", "report/figures/a.png",
        "report/report.html", "systems/box.extxyz", "systems/dimer.extxyz",
    ]  # fmt: skip
    assert run.report == results / "report" / "report.html"
    found = products_in(results)
    # the order of the committee, and nothing of the attempt that did not finish
    assert [path.read_bytes() for path in found["models"]] == [b"\x01", b"\x00"]
    assert found["systems"] == [results / "systems"]
    assert not list(run.path.glob(".download*"))


class Counting:
    """A store that counts what is read, and breaks off after some objects."""

    def __init__(self, store: FolderStore, most: int = 1000) -> None:
        self.store, self.most, self.read = store, most, []

    def list(self, prefix: str) -> list[str]:
        return self.store.list(prefix)

    def get_file(self, key: str, path: Path) -> None:
        if len(self.read) >= self.most:
            raise StorageUnreachable("connection lost")
        self.store.get_file(key, path)
        self.read.append(key)


def test_a_download_goes_on_where_it_stopped(filled: FolderStore, run: RunFolder) -> None:
    workflow = succeeded().workflow()
    broken = Counting(filled, most=3)  # the archive, a catalogue, and one of two files
    with pytest.raises(StorageUnreachable):
        download(workflow, broken, run)  # type: ignore[arg-type]
    again = Counting(filled)
    download(workflow, again, run)  # type: ignore[arg-type]
    fetched = [key for key in again.read if ".dflow" not in key]
    assert len(fetched) == 3  # of five: the archive and a file were there
    nothing = Counting(filled)
    download(workflow, nothing, run)  # type: ignore[arg-type]
    assert nothing.read == []


def test_what_is_missing_or_damaged_is_refused(filled: FolderStore, run: RunFolder) -> None:
    workflow = succeeded().workflow()
    filled.delete(f"{MODELS}/attempt-000000000001/task.0000/model.pb")
    with pytest.raises(TruncatedOutput, match=r"'models' of stage 'learn' lacks 1 of its files"):
        download(workflow, filled, run, ["models"])
    whole = filled.get_bytes(f"{KEY}/build/systems.tgz")
    filled.put_bytes(whole[: len(whole) // 2], f"{KEY}/build/systems.tgz")
    with pytest.raises(TruncatedOutput, match="'systems' of stage 'build' is damaged"):
        download(workflow, filled, run, ["build"])
    filled.put_bytes(whole, f"{KEY}/build/systems.tgz")
    download(workflow, filled, run, ["build"])
    filled.delete(f"{KEY}/build/systems.tgz")
    (run.path / "download.json").unlink()
    with pytest.raises(TruncatedOutput, match="not in the bucket any more"):
        download(workflow, filled, run, ["systems"])
    assert not (run.results / "models").exists()


def test_nothing_is_written_outside_of_the_folder(filled: FolderStore, run: RunFolder) -> None:
    filled.put_bytes(archive({"../../evil": b"x"}), f"{KEY}/build/systems.tgz")
    with pytest.raises(TruncatedOutput):
        download(succeeded().workflow(), filled, run, ["systems"])
    assert not list(run.path.parent.rglob("evil"))


def test_only_some_of_the_results(filled: FolderStore, run: RunFolder) -> None:
    results = download(succeeded().workflow(), filled, run, ["report"])
    assert [path.name for path in results.iterdir()] == ["report"]
    with pytest.raises(WrongInput, match=r"no results of 'metad'.*build, learn, models"):
        download(succeeded().workflow(), filled, run, ["metad"])


def test_download_report_and_from(
    argo: StubArgo, profile: ClusterProfile, profile_file: Path, root: Path, filled: FolderStore
) -> None:
    recorded(argo, profile, root, succeeded())
    assert "nucleoflow download" in call("report", RUN, code=1).output
    output = call("download", RUN).output
    assert f"report: {root / RUN}/results/report/report.html" in output
    assert call("report", RUN).output.strip().endswith("results/report/report.html")
    argo.add(midway().workflow())
    assert "no results of 'report'" in call("download", RUN, "--stage", "report", code=2).output


def test_a_run_from_elsewhere_is_recorded_by_its_download(
    argo: StubArgo, profile_file: Path, root: Path, filled: FolderStore
) -> None:
    argo.add(succeeded().workflow())
    call("download", "demo", "--profile", profile_file)
    assert "succeeded" in call("list").output
    assert call("report").output.strip().endswith("report.html")


def test_members_that_published_in_their_pods_are_found(
    bucket: FolderStore, run: RunFolder, tmp_path: Path
) -> None:
    """The last member of a committee ended first, and another attempt at it came later."""
    for number, member in enumerate((1, 0, 1)):
        artifacts = tmp_path / f"pod-{number}"
        model = artifacts / "model" / f"task.{member:04d}" / "model.pb"
        model.parent.mkdir(parents=True)
        model.write_bytes(bytes([member]))
        (artifacts / "model" / ".dflow").mkdir()
        item = {"dflow_list_item": f"task.{member:04d}/model.pb", "order": member}
        content = json.dumps({"path_list": [item]})
        (artifacts / "model" / ".dflow" / "list").write_text(content)
        publish({"model": MODELS}, artifacts, bucket)
    results = download(succeeded().workflow(), bucket, run, ["models"])
    assert [path.read_bytes() for path in products_in(results)["models"]] == [b"\x00", b"\x01"]
