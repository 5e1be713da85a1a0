"""A zip of report files: its members are read where they lie, nothing is unpacked by its name."""

from __future__ import annotations

import stat
import zipfile
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from archives.files import ArchiveFile, Neighbours, ZipMember
from archives.inflated import inflates_too_far
from archives.model import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ENCRYPTED = 0x1
_NESTED = frozenset({".zip", ".7z", ".tar", ".tgz", ".rar"})
_REASONS = {
    "unsafe_path": "A member's path leads out of the zip.",
    "link": "A member is a symbolic link, which is not followed.",
    "encrypted": "A member is encrypted; unpack it with its password first.",
    "nested_archive": "A member is itself an archive; unpack it first.",
    "decompression_bomb": "A member inflates as no file of reports does.",
    "overlapping_members": "Members of the zip lie over one another.",
}


def is_zip(path: Path) -> bool:
    """Say whether a file is a zip by its name."""
    return path.suffix.lower() == ".zip"


@contextmanager
def open_zip(file: ArchiveFile) -> Iterator[list[ArchiveFile | Refusal]]:
    """Give the members that can be read, and a refusal for each that cannot, by their names.

    A refused member is called by its number in the zip: its name may be what is wrong with it.
    Folders and hidden files are left, as in a folder.

    Raises:
        zipfile.BadZipFile: the file is no zip, or cut.

    """
    with _opened(file.path) as archive:
        infos = archive.infolist()
        overlapping = _overlapping(infos)
        found: list[ArchiveFile | Refusal] = []
        beside = Neighbours()
        for number, info in _readable_order(infos):
            reason = "overlapping_members" if number in overlapping else _reason(info)
            if reason is not None:
                found.append(Refusal(file.name, number, reason, _REASONS[reason]))
            else:
                name = f"{file.name}/{_path(info)}"
                member = ZipMember(archive, info)
                beside.files.append(ArchiveFile(file.path, name, member=member, beside=beside))
                found.append(beside.files[-1])
        yield found


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except ValueError as error:
        # zipfile lets out what its directory is wrong in: a name that is not UTF-8, a place before the file
        raise zipfile.BadZipFile(str(error)) from error


def _readable_order(infos: list[zipfile.ZipInfo]) -> list[tuple[int, zipfile.ZipInfo]]:
    """Return members with their number in the zip, sorted by name."""
    members = [
        (number, info)
        for number, info in enumerate(infos, start=1)
        # a damaged directory may hold names of no letters
        if not info.filename.endswith(("/", "\\")) and not _is_hidden(_path(info))
    ]
    return sorted(members, key=lambda member: (member[1].filename, member[0]))


def _path(info: zipfile.ZipInfo) -> PurePosixPath:
    """Return a member's path; Windows may have written it, and anything may stand in it."""
    name = info.filename.replace("\\", "/")
    return PurePosixPath("".join(char if char.isprintable() else "?" for char in name))


def _is_hidden(path: PurePosixPath) -> bool:
    """Say whether a member is hidden; ``__MACOSX`` holds what a Mac keeps beside its files."""
    return any(part == "__MACOSX" or (part[0] == "." and part != "..") for part in path.parts)


def _reason(info: zipfile.ZipInfo) -> str | None:
    """Return why a member is not opened, ``None`` where it is."""
    path = _path(info)
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts or (":",))[0]:
        return "unsafe_path"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "link"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted"
    if path.suffix.lower() in _NESTED:
        return "nested_archive"
    # zipfile gives no more than the declared size, so that what is declared is what is counted.
    if inflates_too_far(info.file_size, info.compress_size):
        return "decompression_bomb"
    return None


def _overlapping(infos: list[zipfile.ZipInfo]) -> set[int]:
    """Return the members whose bytes are another member's too: a bomb of many small ones."""
    placed = sorted(enumerate(infos, start=1), key=lambda member: member[1].header_offset)
    found: set[int] = set()
    end, last = 0, 0
    for number, info in placed:
        if info.header_offset < end:
            found |= {number, last}
        if info.header_offset + info.compress_size >= end:
            end, last = info.header_offset + info.compress_size, number
    return found
