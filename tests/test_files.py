"""Files that the tools write."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cognito_claims.tools.files import create_private, replace_private, write_private


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def _a_lax_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_private(path, "ü")
    assert (path.read_text(encoding="utf-8"), mode_of(path)) == ("ü", 0o600)


@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_a_link_of_that_name_is_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").write_text("theirs")
    path = tmp_path / "file"
    path.symlink_to(tmp_path / target)
    with pytest.raises(FileExistsError):
        create_private(path)
    assert (tmp_path / "there").read_text() == "theirs"
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("theirs")
    with pytest.raises(FileExistsError):
        write_private(path, "ours")
    assert path.read_text() == "theirs"


@pytest.mark.parametrize("name", ["file", "file.new"])
def test_replacing_takes_the_place_of_a_link_and_leaves_what_it_leads_to(
    tmp_path: Path, name: str
) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    theirs.chmod(0o644)
    path = tmp_path / "file"
    (tmp_path / name).symlink_to(theirs)
    replace_private(path, "ours")
    assert (path.read_text(), mode_of(path), path.is_symlink()) == ("ours", 0o600, False)
    assert (theirs.read_text(), mode_of(theirs)) == ("theirs", 0o644)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "theirs"]
