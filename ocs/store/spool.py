"""Values that wait on disk between being checked and being loaded: a temporary file of pickled batches, ours alone."""
from __future__ import annotations

import pickle
import tempfile
from types import TracebackType
from typing import Generic, Iterator, TypeVar

__all__ = ["Spool"]

_Value = TypeVar("_Value")
_BATCH = 1_000


class Spool(Generic[_Value]):
    """A context manager: `add` everything, then iterate once. The file has no name and goes when it is closed."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()
        self._batch: list[_Value] = []
        self._count = 0

    def __enter__(self) -> "Spool[_Value]":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def add(self, value: _Value) -> None:
        """Put one value at the end."""
        self._batch.append(value)
        self._count += 1
        if len(self._batch) == _BATCH:
            self._flush()

    def __iter__(self) -> Iterator[_Value]:
        self._flush()
        self._file.seek(0)
        left = self._count
        while left:
            batch: list[_Value] = pickle.load(self._file)
            left -= len(batch)
            yield from batch

    def _flush(self) -> None:
        if self._batch:
            pickle.dump(self._batch, self._file)
            self._batch = []
