"""`marrow backup` and `marrow restore` as an operator meets them."""

from __future__ import annotations

import re
import threading
from functools import partial
from typing import TYPE_CHECKING, Self

import pytest

from tests.cli.commands import marrow, one_line_error
from tests.cli.test_serve import HIP_MRI, serving
from tests.services import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.test_serve import Serve


class Feed:
    """A client that posts as fast as it can, and remembers what it was promised."""

    def __init__(self, service: Serve) -> None:
        self.promised: list[str] = []
        self._service = service
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._post)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _post(self) -> None:
        with self._service.client() as client:
            number = 0
            while not self._stop.is_set():
                batch = [{"text": f"{HIP_MRI}\nNumber {number + n}."} for n in range(10)]
                answer = client.post("/v1/reports", json={"reports": batch})
                assert answer.status_code == 202, answer.text
                self.promised += [one["id"] for one in answer.json()["reports"]]
                number += 10


@pytest.mark.slow
def test_what_was_promised_before_a_backup_under_load_has_its_result_after_the_restore(
    tmp_path: Path,
) -> None:
    target, data, new = tmp_path / "b.tar", tmp_path / "data", tmp_path / "new"
    with serving(data) as service, Feed(service) as feed:
        wait_until(lambda: len(feed.promised) > 200, deadline_s=60, what="a load")
        before = list(feed.promised)
        made = marrow("backup", target, "--data", data, "--with-secrets")
        assert made.returncode == 0, made.stderr
        refused = marrow("restore", target, "--data", data, "--replace")
        assert "stop it" in one_line_error(refused)
        key = service.key
    restored = marrow("restore", target, "--data", new)
    assert restored.returncode == 0, restored.stderr
    # Some were not read yet: the service was under load.
    assert int(re.search(r"(\d+) units of work wait", restored.stdout)[1]) > 0  # type: ignore[index]
    with serving(new) as again, again.client(key) as client:

        def is_done(id_: str) -> bool:
            return bool(client.get(f"/v1/reports/{id_}").json()["state"] == "done")

        for id_ in before:
            wait_until(partial(is_done, id_), deadline_s=60, what="what was promised")
        assert client.get(f"/v1/reports/{before[-1]}").json()["result"]["mentions"]


def test_a_backup_into_a_directory_takes_its_name_from_the_time_and_can_be_checked(
    tmp_path: Path,
) -> None:
    environment = {"MARROW_DATA_DIR": str(tmp_path / "data")}
    assert marrow("db", "upgrade", environment=environment).returncode == 0
    made = marrow("backup", tmp_path, environment=environment)
    assert made.returncode == 0, made.stderr
    assert "key pepper" in made.stderr
    [target] = tmp_path.glob("marrow-*Z.tar")
    assert marrow("restore", target, "--check").stdout.startswith("whole: 1 files")
    target.write_bytes(target.read_bytes()[:-20_000])
    assert "not a whole backup" in one_line_error(marrow("restore", target, "--check"))


def test_without_a_database_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    done = marrow("backup", tmp_path / "b.tar", "--data", tmp_path)
    assert "there is no database" in one_line_error(done)


def test_stepping_down_takes_a_yes(tmp_path: Path) -> None:
    environment = {"MARROW_DATA_DIR": str(tmp_path)}
    marrow("db", "upgrade", environment=environment)
    assert "--yes" in one_line_error(marrow("db", "downgrade", "0001", environment=environment))
    done = marrow("db", "downgrade", "0001", "--yes", environment=environment)
    assert done.stdout.endswith("to 0001\n"), done.stderr
    worker = marrow("worker", environment=environment)
    assert "marrow db upgrade" in one_line_error(worker)
    unknown = marrow("db", "downgrade", "0009", "--yes", environment=environment)
    assert "name an older one" in one_line_error(unknown)
