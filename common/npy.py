"""A numpy file of unknown length, written in pieces: the header is filled in at the end.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0.
"""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

HEADER = 256  # bytes: magic, version, length and a dictionary padded with spaces


class ArrayFile:
    """Rows of the same dtype and inner shape, one after the other; the first piece says which."""

    def __init__(self, path: Path) -> None:
        self._path, self._rows = path, 0
        self._file: BinaryIO | None = None
        self._dtype, self._inner = np.dtype("f4"), tuple[int, ...]()

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Adds rows; `ValueError` when they do not fit those before."""
        if self._file is None:
            if rows.dtype.hasobject:
                raise ValueError(f"{self._path.name}: arrays of Python objects cannot be mapped")
            self._dtype, self._inner = rows.dtype, rows.shape[1:]
            self._file = self._path.open("wb")
            self._file.write(b" " * HEADER)
        if (rows.dtype, rows.shape[1:]) != (self._dtype, self._inner):
            raise ValueError(f"{self._path.name}: {rows.dtype} × {rows.shape[1:]} after {self._dtype} × {self._inner}")
        self._file.write(np.ascontiguousarray(rows).data)
        self._rows += len(rows)

    def close(self) -> tuple[int, ...]:
        """Writes the header; the array's shape."""
        shape = (self._rows, *self._inner)
        if self._file is not None:
            about = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
            text = f"{about!r}".encode("latin1")
            self._file.seek(0)
            self._file.write(np.lib.format.magic(1, 0) + (HEADER - 10).to_bytes(2, "little"))
            self._file.write(text.ljust(HEADER - 11) + b"\n")
            self._file.close()
        return shape
