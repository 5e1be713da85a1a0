"""Compressed streams that stop before they fill a disk: what a few bytes inflate to is bounded."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

FREE_BYTES = 64 * 1024 * 1024
"""So much may come out of anything: every reader takes it in parts."""
MAX_RATIO = 200
"""Reports of one template deflate to a hundredth of their size; a bomb to a thousandth."""


class InflatedTooFarError(OSError):
    """A compressed file that inflates as no file of reports does."""


def inflates_too_far(inflated_bytes: int, compressed_bytes: int) -> bool:
    """Say whether so much out of so little is a bomb."""
    return inflated_bytes > FREE_BYTES and inflated_bytes > MAX_RATIO * compressed_bytes


def guarded(inflated: BinaryIO, compressed_bytes: Callable[[], int]) -> BinaryIO:
    """Return the stream, which from now on raises ``InflatedTooFarError`` where it is a bomb.

    ``compressed_bytes`` says how much of the compressed file has been read.
    """
    return cast("BinaryIO", io.BufferedReader(_Guarded(inflated, compressed_bytes), 128 * 1024))


class _Guarded(io.RawIOBase):
    """Counts what comes out of a stream against what went in."""

    def __init__(self, inflated: BinaryIO, compressed_bytes: Callable[[], int]) -> None:
        self._inflated = inflated
        self._compressed_bytes = compressed_bytes
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._inflated.read(len(view))
        view[: len(data)] = data
        self._bytes += len(data)
        if inflates_too_far(self._bytes, self._compressed_bytes()):
            raise InflatedTooFarError
        return len(data)
