"""Versioned arrays for the serving process: numpy files that it maps into memory instead of reading.

`<root>/<name>/<version>/<array>.npy`, and `manifest.json` written last: a version without it is none, so a reader
never sees half of one, on object stores (no atomic rename) either. `<root>/<name>/live` names the version to serve,
for artifacts whose live version is named nowhere else. Writing a version again replaces it file by file; whoever has
the old files mapped keeps them. Local paths are mapped in place; others (`s3a://…`, any URI of pyarrow.fs) are first
copied to `cache`. `Artifacts` holds two texts and a name, so it travels to executors. A version that is not there
raises `UnavailableError`.
"""

import json
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from common.config import Config
from common.errors import UnavailableError
from common.folders import Folder, folder_of
from common.npy import ArrayFile

MANIFEST = "manifest.json"
LIVE = "live"
FOLDER = "artifacts"

Chunk = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Version:
    """One version opened: `arrays` by name, `about` what the writer noted of it."""

    version: str
    arrays: dict[str, npt.NDArray[Any]]
    about: dict[str, Any]


@dataclass(frozen=True)
class Artifacts:
    """All versions of the artifact `name` below `root`."""

    root: str
    name: str
    cache: str

    def write(self, version: str, chunks: Iterable[Chunk], about: Mapping[str, Any] | None = None) -> dict[str, int]:
        """Appends each chunk's rows to the arrays it names, in the order given; rows of each array.

        Holds one chunk in memory. Run by one task: two that write the same version must write the same.
        """
        folder = self._folder(version)
        with tempfile.TemporaryDirectory(prefix=f"{self.name}-") as work:
            files: dict[str, ArrayFile] = {}
            for chunk in chunks:
                for name, rows in chunk.items():
                    files.setdefault(name, ArrayFile(Path(work) / f"{name}.npy")).append(rows)
            shapes = {name: file.close() for name, file in files.items()}
            for name in shapes:
                folder.put(Path(work) / f"{name}.npy", f"{name}.npy")
        manifest = {"shapes": shapes, "about": dict(about or {}), "written": uuid.uuid4().hex}
        folder.write(MANIFEST, json.dumps(manifest).encode())
        return {name: shape[0] for name, shape in shapes.items()}

    def versions(self) -> list[str]:
        """Complete versions in the order of their names."""
        return sorted(name for name in self._folder().folders() if self._folder(name).read(MANIFEST) is not None)

    def live(self) -> str:
        """The version that `point` named last; empty without."""
        return (self._folder().read(LIVE) or b"").decode()

    def point(self, version: str) -> None:
        """From here on `version` is live."""
        self._manifest(version)
        self._folder().write(LIVE, version.encode())

    def open(self, version: str) -> Version:
        """A version's arrays, read-only and mapped: opening costs no reading."""
        manifest, folder = self._manifest(version), self._folder(version)
        place = folder.here() or self._copied(version, manifest, folder)
        arrays = {name: _mapped(place / f"{name}.npy", shape) for name, shape in manifest["shapes"].items()}
        return Version(version, arrays, manifest["about"])

    def open_live(self) -> Version:
        """The live version."""
        return self.open(self.live())

    def remove(self, version: str) -> None:
        """Removes one version; whoever has it mapped keeps it."""
        self._folder(version).remove(MANIFEST)
        shutil.rmtree(Path(self.cache, self.name, version), ignore_errors=True)

    def _folder(self, version: str = "") -> Folder:
        return folder_of(f"{self.root}/{self.name}/{version}".rstrip("/"))

    def _manifest(self, version: str) -> dict[str, Any]:
        text = self._folder(version).read(MANIFEST) if version else None
        if text is None:
            raise UnavailableError(f"no version '{version}' of {self.name} in {self.root}")
        manifest: dict[str, Any] = json.loads(text)
        return manifest

    def _copied(self, version: str, manifest: Mapping[str, Any], folder: Folder) -> Path:
        """The version in the local cache, copied there when it is not yet, as it was written last; renamed into place
        when it is whole."""
        place = Path(self.cache, self.name, version, manifest.get("written", "before"))
        if not place.is_dir():
            place.parent.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(dir=place.parent, prefix=".copy-"))
            for name in manifest["shapes"]:
                folder.fetch(f"{name}.npy", work / f"{name}.npy")
            try:
                work.rename(place)
            except OSError:  # another process was faster
                shutil.rmtree(work, ignore_errors=True)
        return place


def artifacts(config: Config, name: str) -> Artifacts:
    """The artifact `name` of this lake; copies of a remote one go below `state_dir`."""
    return Artifacts(f"{config.lake_path.rstrip('/')}/{FOLDER}", name, str(Path(config.state_dir, FOLDER)))


def _mapped(file: Path, shape: list[int]) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.load(file, mmap_mode="r" if min(shape) > 0 else None, allow_pickle=False)
    return array
