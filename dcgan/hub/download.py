"""Weights from the Hugging Face Hub, fetched so that nothing can hang and nothing damaged is used.

The Hub's client can block for minutes, and some of its calls for ever. So a pull runs in a process of its
own, which is ended at its deadline: no thread, lock or socket of it stays behind. Every file's size and
checksum are compared with what the Hub announced; the client itself compares the size only.

The client's cache is used as it is. A ref in it (`refs/main`) is written by `remember`, after the weights
were loaded and tried: it names the last revision known to be good, and a pull that fails falls back on that.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from dcgan import InputError
from dcgan.files import write_text

FILES = ("config.json", "model.safetensors", "discriminator.safetensors")
TRAINING_FILES = ("history.jsonl", "evaluation.json", "progress.webp")  # how a model came to be: nobody needs them
MAX_BYTES = {"config.json": 2**16, "history.jsonl": 2**22, "evaluation.json": 2**18, "progress.webp": 2**24}
MAX_WEIGHTS_BYTES = 512 * 2**20
HUB_NAME = re.compile(r"(?P<repo>[\w][\w.-]*/[\w][\w.-]*)(?:@(?P<revision>[\w][\w./-]*))?")
COMMIT = re.compile(r"[0-9a-f]{40}")
REQUEST_SECONDS = 3  # to wait for the Hub to say anything


class HubError(InputError):
    """The Hub has not, or does not give, what was asked for; the message says why."""


@dataclasses.dataclass(frozen=True)
class Pulled:
    """A model folder from the Hub, in the client's cache; `problem` says why it is not the newest."""

    folder: Path
    repo: str
    revision: str
    commit: str
    problem: str | None = None


def parse_name(name: str) -> tuple[str, str] | None:
    """`user/repo` or `user/repo@revision` -> (repo, revision), or None if it is no Hub name."""
    match = HUB_NAME.fullmatch(name)
    return None if match is None else (match["repo"], match["revision"] or "main")


def pull(name: str, seconds: float = 120.0) -> Pulled:
    """The model of a Hub name, from the cache or the network, within `seconds`.

    Raises `HubError` where neither has it; a pull from the cache alone has a `problem`.
    """
    parsed = parse_name(name)
    if parsed is None:
        raise HubError(f"{name!r} is no Hub name: write user/repo or user/repo@revision")
    repo, revision = parsed
    if COMMIT.fullmatch(revision) and (cached := cached_model(repo, revision)) is not None:
        return cached  # a commit never changes: no one needs to be asked
    try:
        return _pull_in_child(repo, revision, seconds)
    except HubError as error:
        cached = cached_model(repo, revision)
        if cached is None:
            raise
        return dataclasses.replace(cached, problem=str(error))


def pull_training_files(repo: str, commit: str, seconds: float = 60.0) -> bool:
    """Bring the files of `STORY` beside a model that was pulled, those that there are; whether it worked."""
    try:
        _pull_in_child(repo, commit, seconds, "story")
    except HubError:
        return False
    return True


def _pull_in_child(repo: str, revision: str, seconds: float, what: str = "model") -> Pulled:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH")])
        ),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    command = [sys.executable, "-m", "dcgan.hub.download", repo, revision, what]
    child = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        output, errors = child.communicate(timeout=max(seconds, 0.1))
    except subprocess.TimeoutExpired:
        child.kill()
        output, _ = child.communicate()
        lines = [json.loads(line) for line in output.splitlines()]
        doing = next((line["doing"] for line in reversed(lines) if "doing" in line), "answer")
        raise HubError(f"the Hub did not {doing} within {seconds:.0f} s") from None
    if child.returncode != 0 or not output:
        reason = (errors.strip().splitlines() or ["no reason given"])[-1]
        raise HubError(f"pulling {repo} failed ({reason})")
    answer = json.loads(output.splitlines()[-1])
    if "problem" in answer:
        raise HubError(answer["problem"])
    return Pulled(Path(answer["folder"]), repo, revision, answer["commit"])


def cached_model(repo: str, revision: str) -> Pulled | None:
    """The last good model of this revision in the cache, every file whole; asks no one."""
    from huggingface_hub import try_to_load_from_cache

    paths = [try_to_load_from_cache(repo, file, revision=revision) for file in FILES]
    if not all(isinstance(path, str) and is_whole(Path(path)) for path in paths):
        return None
    folder = Path(paths[0]).parent
    return Pulled(folder, repo, revision, folder.name)


def write_cache_ref(pulled: Pulled) -> None:
    """Make this the last good model of its revision, for `cached_model`: the cache's own kind of ref."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    if pulled.commit == pulled.revision:
        return
    ref = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=pulled.repo, repo_type="model") / "refs"
    try:
        (ref / pulled.revision).parent.mkdir(parents=True, exist_ok=True)
        write_text(ref / pulled.revision, pulled.commit)
    except OSError:
        pass  # a cache that cannot be written forgets


def checksum(path: Path, etag: str) -> str:
    """The file's checksum of the kind the ETag is: sha256 of LFS files, git's blob id of the others."""
    if len(etag) == 64:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()


def is_whole(path: Path, etag: str | None = None) -> bool:
    """Whether a cached file is what was announced: the cache names its blobs by their ETag."""
    etag = etag or path.resolve().name
    return not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", etag) or checksum(path, etag) == etag


def fetch(repo: str, revision: str) -> dict[str, str]:
    """In the child: bring all files into the cache. Returns the snapshot's folder and commit."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import get_hf_file_metadata

    commit = revision
    if not COMMIT.fullmatch(revision):
        say(doing="answer")
        commit = get_hf_file_metadata(
            hf_hub_url(repo, FILES[0], revision=revision), timeout=REQUEST_SECONDS
        ).commit_hash
        if commit is None or not COMMIT.fullmatch(commit):
            raise HubError(f"the Hub named no commit of {repo}@{revision}")
    paths = [fetch_file(repo, file, commit) for file in FILES]
    return {"folder": str(paths[0].parent), "commit": commit}


def fetch_training_files(repo: str, commit: str) -> dict[str, str]:
    """In the child: bring the files of `STORY` that this commit has into the cache."""
    from huggingface_hub.errors import EntryNotFoundError

    folder = ""
    for file in TRAINING_FILES:
        with contextlib.suppress(EntryNotFoundError):
            folder = str(fetch_file(repo, file, commit).parent)
    return {"folder": folder, "commit": commit}


def fetch_file(repo: str, file: str, commit: str) -> Path:
    """One file of a commit: from the cache if it is whole there, else from the network, checked."""
    from huggingface_hub import hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.file_download import get_hf_file_metadata

    cached = try_to_load_from_cache(repo, file, revision=commit)
    if isinstance(cached, str) and is_whole(Path(cached)):
        return Path(cached)
    say(doing=f"deliver {file}")
    announced = get_hf_file_metadata(hf_hub_url(repo, file, revision=commit), timeout=REQUEST_SECONDS)
    limit = MAX_BYTES.get(file, MAX_WEIGHTS_BYTES)
    if announced.size is None or announced.size > limit:
        raise HubError(f"{file} of {repo} is {announced.size} bytes: more than {limit:,}, so it is not downloaded")
    for again in (isinstance(cached, str), True):
        path = Path(hf_hub_download(repo, file, revision=commit, force_download=again, etag_timeout=REQUEST_SECONDS))
        if path.stat().st_size == announced.size and is_whole(path, announced.etag):
            return path
    raise HubError(f"{file} of {repo} arrived damaged twice: its checksum is not the one announced")


def error_message(error: Exception, repo: str, revision: str) -> str:
    """One sentence for whatever the client raised; never a token, a header or an address with one."""
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, HubError):
        return str(error)
    for kind, sentence in (
        (errors.GatedRepoError, f"{repo} is gated: this page may not read it"),
        (errors.RepositoryNotFoundError, f"the Hub has no model {repo}, or it is private"),
        (errors.RevisionNotFoundError, f"{repo} has no revision {revision}"),
        (errors.EntryNotFoundError, f"{repo} has not all files of a model: {', '.join(FILES)}"),
        (errors.OfflineModeIsEnabled, "the Hub is switched off (HF_HUB_OFFLINE)"),
        (errors.HFValidationError, f"{repo} is no valid name of a repo"),
    ):
        if isinstance(error, kind) and not (kind is errors.EntryNotFoundError and status is None):
            return sentence
    if status is not None:
        return f"the Hub answered with an error ({status})"
    if isinstance(error, OSError) and error.filename is not None:
        return f"the cache cannot be written ({error.strerror})"
    if isinstance(error, OSError) and "Consistency check" in str(error):
        return f"a file of {repo} arrived cut short"
    return f"the Hub could not be reached, or broke off ({type(error).__name__})"


def say(**what: str) -> None:
    print(json.dumps(what), flush=True)


def main(repo: str, revision: str, what: str) -> None:
    """The child: progress and the answer as lines of JSON."""
    try:
        say(**(fetch_training_files if what == "story" else fetch)(repo, revision))
    except Exception as error:  # whatever the client raises must become a sentence
        say(problem=error_message(error, repo, revision))


if __name__ == "__main__":
    main(*sys.argv[1:])
