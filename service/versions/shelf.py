"""The models on this machine: the shipped one, and candidates in a folder of their own, each under its version's name."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from models.artefacts import MANIFEST_FILE, ArtefactError, Card, code_hash, verify
from models.pipeline import Analyzer, load
from service.versions.switches import Version

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a version may be called: it names a folder."""
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Shelved:
    """A model of this machine. `version` is its name also where it is the shipped one; `fault` says why it cannot be served."""

    version: str
    shipped: bool
    folder: Path
    card: Card | None
    fault: str | None


class Shelf:
    """The models of this machine. `shipped` is FUPAN_MODEL_PATH, `folder` FUPAN_MODELS_DIR."""

    def __init__(self, shipped: Path, folder: Path) -> None:
        self.shipped, self.folder = shipped, folder

    def models(self) -> list[Shelved]:
        """Every model, the shipped one first, then by name; files are checked."""
        found = [self._shelved(None, self.shipped)]
        if self.folder.is_dir():
            found += [self._shelved(f.name, f) for f in sorted(self.folder.iterdir()) if f.is_dir() and _NAME.fullmatch(f.name)]
        return found

    def _shelved(self, version: Version, folder: Path) -> Shelved:
        try:
            card = self.card(version)
        except ArtefactError as error:
            return Shelved(version or "?", version is None, folder, None, str(error))
        return Shelved(card.version, version is None, folder, card, None)

    def folder_of(self, version: Version) -> Path:
        """Where a version's files are or would be. Raises ArtefactError for what is no version's name."""
        if version is None:
            return self.shipped
        if not _NAME.fullmatch(version):
            raise ArtefactError("This is no name of a model version")
        return self.folder / version

    def named(self, name: str) -> Version:
        """The version that a person calls so: `shipped` or the shipped model's own name is None. Raises ArtefactError as folder_of."""
        if name == "shipped":
            return None
        self.folder_of(name)
        try:
            return None if verify(self.shipped).version == name else name
        except ArtefactError:
            return name

    def card(self, version: Version) -> Card:
        """The card of a version whose files are all as its manifest says and which was trained for this code.

        Raises ArtefactError.
        """
        return _checked(self.folder_of(version), version)

    def load(self, version: Version) -> Analyzer:
        """The model, checked and ready. Raises ArtefactError, also where its files are whole but cannot be loaded."""
        self.card(version)
        folder = self.folder_of(version)
        try:
            return load(folder)
        except ArtefactError:
            raise
        except Exception as error:  # whatever the libraries make of files of other versions of theirs
            raise ArtefactError(f"The model in {folder} cannot be loaded ({type(error).__name__})") from None

    @contextmanager
    def turn(self, version: Version) -> Iterator[None]:
        """One process of this machine at a time: while it loads a model the others answer. No waiting where there are no files."""
        with ExitStack() as opened:
            with suppress(ArtefactError, OSError):
                file = opened.enter_context((self.folder_of(version) / MANIFEST_FILE).open("rb"))
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def stamp(self, version: Version) -> Stamp:
        """What changes when a version's files do; empty where there are none."""
        try:
            folder = self.folder_of(version)
            return tuple((str(f), (s := f.stat()).st_mtime_ns, s.st_size) for f in sorted(folder.rglob("*")) if f.is_file())
        except (ArtefactError, OSError):
            return ()

    def add(self, source: Path) -> tuple[Shelved, bool]:
        """Copy a trained model into the folder, whole or not at all; the model, and whether it was not there yet.

        Raises ArtefactError where the source is no whole model of this code, or another stands under its name; OSError where the folder
        cannot be written.
        """
        version = verify(source).version
        target = self.folder_of(version)
        if target.exists():
            found = self._shelved(version, target)
            if found.fault or (target / MANIFEST_FILE).read_bytes() != (source / MANIFEST_FILE).read_bytes():
                raise ArtefactError(f"{target} is there already and {found.fault or 'is another model'}: take it away first")
            return found, False
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f".{version}.{os.getpid()}.part"
        try:
            shutil.copytree(source, unfinished)
            card = _checked(unfinished, version)
            os.replace(unfinished, target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return Shelved(version, False, target, card, None), True


def _checked(folder: Path, version: Version) -> Card:
    """The card of the model in `folder`, which must be this version. Raises ArtefactError."""
    if version is not None and not folder.is_dir():
        raise ArtefactError(f"Model version {version} is not on this machine: there is no folder {folder}")
    try:
        card = verify(folder)
    except OSError as error:
        raise ArtefactError(f"{folder} cannot be read ({error.strerror})") from None
    if version is None:
        return card
    if card.version != version:
        raise ArtefactError(f"{folder} holds model version {card.version}, not the one it is named after")
    if card.code != code_hash():
        raise ArtefactError(f"Model version {version} was trained by another version of Fupan: train it again with this one")
    return card
