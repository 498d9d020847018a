"""A folder of files on a local path or wherever pyarrow.fs reaches, seen alike.

A file appears whole or not at all: locally it is written beside and renamed, an object store shows what is closed.
"""

import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs

PIECE = 8 * 1024 * 1024


@dataclass(frozen=True)
class Folder:
    """`path` in `system`."""

    system: fs.FileSystem
    path: str
    local: bool

    def here(self) -> Path | None:
        """The folder itself where it is local, to map its files."""
        return Path(self.path) if self.local else None

    def folders(self) -> list[str]:
        """Names of the folders in it."""
        found = self.system.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
        return [info.base_name for info in found if info.type == fs.FileType.Directory]

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None when it is not there."""
        try:
            with self.system.open_input_stream(f"{self.path}/{name}") as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            return None

    def write(self, name: str, text: bytes) -> None:
        """Writes a small file, replacing it."""
        with tempfile.TemporaryDirectory() as work:
            (Path(work) / name).write_bytes(text)
            self.put(Path(work) / name, name)

    def put(self, source: Path, name: str) -> None:
        """Copies a local file in, replacing one of that name."""
        self.system.create_dir(self.path, recursive=True)
        if not self.local:
            with source.open("rb") as file, self.system.open_output_stream(f"{self.path}/{name}") as stream:
                shutil.copyfileobj(file, stream, PIECE)
            return
        with tempfile.NamedTemporaryFile(dir=self.path, prefix=".", delete=False) as beside, source.open("rb") as file:
            shutil.copyfileobj(file, beside, PIECE)
        Path(beside.name).chmod(0o644)
        Path(beside.name).replace(Path(self.path, name))

    def fetch(self, name: str, target: Path) -> None:
        """Copies a file out."""
        with self.system.open_input_stream(f"{self.path}/{name}") as stream, target.open("wb") as file:
            shutil.copyfileobj(stream, file, PIECE)

    def remove(self, first: str) -> None:
        """Deletes the folder, beginning with the file `first`; nothing where it is gone."""
        with suppress(FileNotFoundError):  # another run is deleting it too
            self.system.delete_file(f"{self.path}/{first}")
            self.system.delete_dir(self.path)


def folder_of(place: str) -> Folder:
    """A local path, or a URI; Hadoop's s3a is pyarrow's s3."""
    if "://" not in place:
        return Folder(fs.LocalFileSystem(), str(Path(place).absolute()), True)
    system, path = fs.FileSystem.from_uri(place.replace("s3a://", "s3://", 1))
    return Folder(system, path, False)
