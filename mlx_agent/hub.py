"""Models of the Hugging Face hub: downloaded on the user's word, checked, removed.

A model lies in Hugging Face's own cache, as its programs would have put it there, so that one copy
serves all; `mlx_agent.bases` finds it by its name. A file is fetched beside its place, goes on
where it stopped, and gets there only if its size and its hash are the hub's: SHA-256 for what is
stored as a large file, git's own for the rest. `config.json` comes last, without which there is no
base. No code is fetched. The wire format: https://huggingface.co/docs/hub/api.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlx_agent import bases
from mlx_agent.errors import (
    BaseNotFound,
    DownloadDamaged,
    DownloadRunning,
    HubRefused,
    HubUnreachable,
    RoomMissing,
)

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

NEEDED = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")
"""The files of a base that mlx-lm loads."""
ANSWER_S = 30.0
_CHUNK = 1 << 20
_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

Report = Callable[[str, int, int], None]
"""Told of `fetching` or `checking`, the bytes done, and those of the whole model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A file as the hub has it; `digest` is SHA-256 if it is `large`, and git's SHA-1 if not."""

    name: str
    size: int
    digest: str
    large: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a model is today, and what the hub says of its files."""

    model: str
    commit: str
    files: tuple[Remote, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def download(model: str, report: Report) -> Path:
    """Fetch what is missing of a model, check all of it, and put it in place; its directory.

    Raises HubUnreachable, HubRefused, RoomMissing, DownloadDamaged and DownloadRunning.
    """
    release = _release(model)
    root = _place(model)
    with _reached(model), _alone(root, model):
        blobs = root / "blobs"
        blobs.mkdir(exist_ok=True)
        _make_sure_of_room(release, blobs)
        done = 0
        for file in release.files:
            _fetch(release, file, blobs, partial(_so_far, report, (done, release.size)))
            done += file.size
        return _link(root, release)


def remove(model: str) -> int:
    """Remove a model with all that was fetched of it; its bytes. Raises BaseNotFound.

    It goes in one step for whoever is about to load it.
    """
    root = _place(model)
    if not root.is_dir():
        raise BaseNotFound(model)
    with _alone(root, model):
        size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file())
        leaving = root.with_name(f".{root.name}.removed")
        shutil.rmtree(leaving, ignore_errors=True)  # what a killed process left of one
        root.rename(leaving)
    shutil.rmtree(leaving)
    shutil.rmtree(root.parent / ".locks" / root.name, ignore_errors=True)
    return size


def release_of(model: str, info: ModelInfo) -> Release:
    """What the hub tells of a model, the files that are needed only; raises HubRefused. Pure.

    A name with a directory in it is none of a base's, and could lead elsewhere.
    """
    files = []
    for told in info.siblings or ():
        name = told.rfilename
        if "/" in name or name.startswith(".") or not any(fnmatch(name, one) for one in NEEDED):
            continue
        digest = (told.lfs.sha256 if told.lfs else told.blob_id) or ""
        if told.size is None or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", digest):
            raise HubRefused(model, "it does not tell sizes and hashes")
        files.append(Remote(name=name, size=told.size, digest=digest, large=bool(told.lfs)))
    names = {file.name for file in files}
    if "config.json" not in names or not any(name.endswith(".safetensors") for name in names):
        raise HubRefused(model, "it is no model that mlx-lm loads")
    if not re.fullmatch(r"[0-9a-f]{40}", info.sha or ""):
        raise HubRefused(model, "it does not tell its revision")
    files.sort(key=lambda file: (file.large, file.name))
    return Release(model=model, commit=info.sha or "", files=tuple(files))


def digest_of(path: Path, *, large: bool, told: Callable[[int], None] | None = None) -> str:
    """The hash of a file as the hub names it; `told` of the bytes that were read."""
    size, done = path.stat().st_size, 0
    digest = hashlib.sha256() if large else hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as content:
        while piece := content.read(_CHUNK):
            digest.update(piece)
            done += len(piece)
            if told:
                told(done)
    return digest.hexdigest()


# --- the hub ---------------------------------------------------------------------------------


def _release(model: str) -> Release:
    if not _NAME.fullmatch(model):
        raise HubRefused(model, "a model's name is OWNER/NAME")
    with _reached(model):
        from huggingface_hub import HfApi

        api = HfApi(endpoint=_endpoint(), library_name="trimtab")
        return release_of(model, api.model_info(model, files_metadata=True, timeout=ANSWER_S))


def _fetch(release: Release, file: Remote, blobs: Path, report: Report) -> None:
    """Have a file among the blobs, checked."""
    blob = blobs / file.digest
    if blob.is_file() and _is_right(blob, file, report):
        return
    part = blobs / f"{file.digest}.incomplete"
    if part.exists() and part.stat().st_size > file.size:
        part.unlink()
    _bring(release, file, part, report)
    if not _is_right(part, file, report):
        part.unlink()
        raise DownloadDamaged(release.model, file.name)
    part.replace(blob)


def _bring(release: Release, file: Remote, part: Path, report: Report) -> None:
    """Fetch what a file lacks; what came stays, whatever happens."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils._headers import build_hf_headers

    with _Told(part, report, file.size) as target:
        http_get(
            hf_hub_url(release.model, file.name, revision=release.commit, endpoint=_endpoint()),
            target,
            resume_size=target.tell(),
            headers=build_hf_headers(library_name="trimtab") | {"Accept-Encoding": "identity"},
            expected_size=file.size,
            tqdm_class=_silent(),
        )
        target.flush()
        os.fsync(target.fileno())


def _endpoint() -> str | None:
    """A mirror that the user names, asked for now and not when the library is loaded."""
    return os.environ.get("HF_ENDPOINT") or None


class _Told(io.BufferedWriter):
    """A file that is written on at its end, and tells of each piece."""

    def __init__(self, path: Path, report: Report, size: int) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._report = report
        self._size = size
        self.seek(0, os.SEEK_END)

    def write(self, piece: Any, /) -> int:
        written = super().write(piece)
        self._report("fetching", self.tell(), self._size)
        return written


def _silent() -> Any:
    """The library's bar, of which nothing is seen."""
    from huggingface_hub.utils.tqdm import tqdm

    return partial(tqdm, disable=True)


@contextmanager
def _reached(model: str) -> Iterator[None]:
    """Failures of the hub and the network as errors of ours."""
    # Before the library is loaded, which reads it then: nothing is told of this machine.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import httpx2
    from huggingface_hub import errors

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # retries are its own business
    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise HubUnreachable(model, "HF_HUB_OFFLINE is set") from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise HubRefused(model, _why(error)) from error
    except (errors.HfHubHTTPError, httpx2.HTTPError) as error:
        raise HubUnreachable(model, _reason(error)) from error
    except OSError as error:
        if error.errno in _FULL:
            raise RoomMissing(model, 0) from error
        if error.errno is None:  # the library's word for an answer that ended early
            raise HubUnreachable(model, "its answer ended early") from error
        raise


def _why(error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError

    if isinstance(error, GatedRepoError):
        return "it has to be asked for there, by an account"
    return "there is none of that name for everybody"


def _reason(error: Exception) -> str:
    import httpx2

    response = getattr(error, "response", None)
    if response is not None:
        return f"it answered {response.status_code}"
    return "no answer in time" if isinstance(error, httpx2.TimeoutException) else "no connection"


# --- the disk --------------------------------------------------------------------------------


def _place(model: str) -> Path:
    return bases.hub_cache() / f"models--{model.replace('/', '--')}"


@contextmanager
def _alone(root: Path, model: str) -> Iterator[None]:
    """One process at a time; the lock goes with the process at the latest."""
    root.mkdir(parents=True, exist_ok=True)
    lock = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DownloadRunning(model) from None
        yield
    finally:
        os.close(lock)


def _make_sure_of_room(release: Release, blobs: Path) -> None:
    have = 0
    for file in release.files:
        for path in (blobs / file.digest, blobs / f"{file.digest}.incomplete"):
            if path.is_file():
                have += min(path.stat().st_size, file.size)
                break
    need = release.size - have
    if need > shutil.disk_usage(blobs).free:
        raise RoomMissing(release.model, need)


def _is_right(path: Path, file: Remote, report: Report) -> bool:
    if path.stat().st_size != file.size:
        return False
    told = partial(_checked, report, file.size)
    return digest_of(path, large=file.large, told=told) == file.digest


def _checked(report: Report, size: int, done: int) -> None:
    report("checking", done, size)


def _so_far(report: Report, before: tuple[int, int], step: str, done: int, _size: int) -> None:
    """Of a file's progress the model's, by the bytes `before` the file and those of all."""
    report(step, before[0] + done, before[1])


def _link(root: Path, release: Release) -> Path:
    """The snapshot of a release, whose `config.json` comes last."""
    snapshot = root / "snapshots" / release.commit
    snapshot.mkdir(parents=True, exist_ok=True)
    for file in sorted(release.files, key=lambda file: file.name == "config.json"):
        new = snapshot / f".{file.name}.new"
        new.unlink(missing_ok=True)
        new.symlink_to(Path("..", "..", "blobs", file.digest))
        new.replace(snapshot / file.name)
    (root / "refs").mkdir(exist_ok=True)
    (root / "refs" / "main").write_text(release.commit, "ascii")
    return snapshot
