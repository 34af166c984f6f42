"""Download models from the Hugging Face Hub, within a time limit, and use no damaged file.

The Hub's client can block for minutes, and some of its calls for ever. So a pull runs in a child process, which is
killed at its deadline. The client compares only sizes with what the Hub announced; this module also compares checksums.

Files are kept in the client's own cache. A ref in it (`refs/main`) is written after the weights were loaded and tried.
So it names the last good revision, and a pull that fails falls back to that.
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
from dcgan.files import parse_json, write_text

FILES = ("config.json", "model.safetensors", "discriminator.safetensors")
TRAINING_FILES = ("history.jsonl", "evaluation.json", "progress.webp", "novelty.png")  # optional: about the training
MAX_BYTES = {"config.json": 2**16, "history.jsonl": 2**22, "evaluation.json": 2**18}
MAX_BYTES |= {"progress.webp": 2**24, "novelty.png": 2**18}
MAX_WEIGHTS_BYTES = 64 * 2**20  # of each network: sampling from larger ones is too slow for a page
HUB_NAME = re.compile(r"(?P<repo>[\w][\w.-]*/[\w][\w.-]*)(?:@(?P<revision>[\w][\w./-]*))?")
COMMIT = re.compile(r"[0-9a-f]{40}")
REQUEST_SECONDS = 3  # to wait for the Hub's first answer


class HubError(InputError):
    """The Hub does not have a model, or could not be used; the message says why."""


@dataclasses.dataclass(frozen=True)
class Pulled:
    """A model folder from the Hub, in the client's cache. `problem` says why it is not the newest revision."""

    folder: Path
    repo: str
    revision: str
    commit: str
    problem: str | None = None


def parse_name(name: str) -> tuple[str, str] | None:
    """Return the (repo, revision) of `user/repo` or `user/repo@revision`, or None for any other name."""
    match = HUB_NAME.fullmatch(name)
    return None if match is None else (match["repo"], match["revision"] or "main")


def pull(name: str, seconds: float = 120.0) -> Pulled:
    """Return the model of a valid Hub name, downloaded within `seconds` or else, with a `problem`, from the cache.

    Raises `HubError` if neither has it.
    """
    repo, revision = parse_name(name)
    if COMMIT.fullmatch(revision) and (cached := cached_model(repo, revision)) is not None:
        return cached  # a commit never changes: there is nothing to ask the Hub
    try:
        return _pull_in_child(repo, revision, seconds)
    except HubError as error:
        if (cached := cached_model(repo, revision)) is None:
            raise
        return dataclasses.replace(cached, problem=str(error))


def pull_training_files(repo: str, commit: str, seconds: float = 60.0) -> bool:
    """Download those of `TRAINING_FILES` that a commit has, beside its model. Return whether all of them came."""
    try:
        _pull_in_child(repo, commit, seconds, "training")
    except HubError:
        return False
    return True


def _pull_in_child(repo: str, revision: str, seconds: float, what: str = "model") -> Pulled:
    path = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    command = [sys.executable, "-m", "dcgan.hub.download", repo, revision, what]
    try:
        child = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=max(seconds, 0.1)
        )
    except OSError as error:
        raise HubError(f"no process could be started to pull {repo} ({error.strerror})") from None
    except subprocess.TimeoutExpired as expired:
        doing = [message["doing"] for message in read_messages(expired.output or b"") if "doing" in message]
        raise HubError(f"the Hub did not {doing[-1] if doing else 'answer'} within {seconds:.0f} s") from None
    answer = (read_messages(child.stdout) or [{}])[-1]
    if "problem" in answer:
        raise HubError(answer["problem"])
    if child.returncode != 0 or not COMMIT.fullmatch(answer.get("commit", "")) or "folder" not in answer:
        reason = (child.stderr.decode(errors="replace").strip().splitlines() or ["it gave no answer"])[-1]
        raise HubError(f"pulling {repo} failed ({reason})")
    return Pulled(Path(answer["folder"]), repo, revision, answer["commit"])


def read_messages(output: bytes) -> list[dict[str, str]]:
    """Return the messages in a child's output. Other lines, and a last line that is cut off, are skipped."""
    messages = []
    for line in output.splitlines():
        try:
            message = parse_json(line)
        except ValueError:
            continue
        if isinstance(message, dict) and all(isinstance(text, str) for text in message.values()):
            messages.append(message)
    return messages


def cached_model(repo: str, revision: str) -> Pulled | None:
    """Return the last good model of a revision from the cache if all its files are undamaged. Uses no network."""
    from huggingface_hub import try_to_load_from_cache

    paths = [try_to_load_from_cache(repo, file, revision=revision) for file in FILES]
    if not all(isinstance(path, str) and is_whole(Path(path)) for path in paths):
        return None
    folder = Path(paths[0]).parent
    return Pulled(folder, repo, revision, folder.name)


def write_cache_ref(pulled: Pulled) -> None:
    """Record this as the last good model of its revision, for `cached_model`, as a ref in the client's cache."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    if pulled.commit == pulled.revision:
        return
    refs = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=pulled.repo, repo_type="model") / "refs"
    with contextlib.suppress(OSError):  # read-only cache: nothing to record
        (refs / pulled.revision).parent.mkdir(parents=True, exist_ok=True)
        write_text(refs / pulled.revision, pulled.commit)


def is_whole(path: Path, etag: str | None = None) -> bool:
    """Return whether a file has its announced checksum: sha256 for LFS files, git's blob id for others.

    etag: the announced checksum; without it, the name of the file's blob in the cache.
    """
    etag, content = etag or path.resolve().name, path.read_bytes()
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", etag):
        return True  # another kind of ETag says nothing about the content
    if len(etag) == 64:
        return hashlib.sha256(content).hexdigest() == etag
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == etag


def fetch_model(repo: str, revision: str) -> dict[str, str]:
    """Download the model's files into the cache. Return the folder and the commit. Runs in the child."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import get_hf_file_metadata

    commit = revision
    if not COMMIT.fullmatch(revision):
        report(doing="answer")
        url = hf_hub_url(repo, FILES[0], revision=revision)
        commit = get_hf_file_metadata(url, timeout=REQUEST_SECONDS).commit_hash
        if commit is None or not COMMIT.fullmatch(commit):
            raise HubError(f"the Hub named no commit of {repo}@{revision}")
    paths = [fetch_file(repo, file, commit) for file in FILES]
    return {"folder": str(paths[0].parent), "commit": commit}


def fetch_training_files(repo: str, commit: str) -> dict[str, str]:
    """Download those of `TRAINING_FILES` that a commit has. One that cannot be had does not stop the others."""
    from huggingface_hub.errors import RemoteEntryNotFoundError

    failed = None
    for file in TRAINING_FILES:
        try:
            with contextlib.suppress(RemoteEntryNotFoundError):  # this commit does not have it
                fetch_file(repo, file, commit)
        except HubError as error:
            failed = error
    if failed is not None:
        raise failed
    return {"folder": "", "commit": commit}


def fetch_file(repo: str, file: str, commit: str) -> Path:
    """Return the path of a commit's file in the cache, downloaded if it is missing or damaged there."""
    from huggingface_hub import hf_hub_download, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.file_download import get_hf_file_metadata

    cached = try_to_load_from_cache(repo, file, revision=commit)
    if isinstance(cached, str) and is_whole(Path(cached)):
        return Path(cached)
    report(doing=f"deliver {file}")
    announced = get_hf_file_metadata(hf_hub_url(repo, file, revision=commit), timeout=REQUEST_SECONDS)
    limit = MAX_BYTES.get(file, MAX_WEIGHTS_BYTES)
    if announced.size is None or announced.size > limit:
        size = "an unknown size" if announced.size is None else f"{announced.size:,} bytes"
        raise HubError(f"{file} of {repo} has {size}: it is not downloaded, because the limit is {limit:,} bytes")
    for again in (isinstance(cached, str), True):
        path = Path(hf_hub_download(repo, file, revision=commit, force_download=again, etag_timeout=REQUEST_SECONDS))
        if path.stat().st_size == announced.size and is_whole(path, announced.etag):
            return path
    raise HubError(f"{file} of {repo} arrived damaged twice: its checksum is not the announced one")


def error_message(error: Exception, repo: str, revision: str) -> str:
    """Return a sentence for what the client raised. It never holds a token, a header or an address with a token."""
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    for kind, sentence in (
        (HubError, str(error)),
        (errors.GatedRepoError, f"{repo} is gated: this page has no access to it"),
        (errors.RepositoryNotFoundError, f"the Hub has no model {repo}, or it is private"),
        (errors.RevisionNotFoundError, f"{repo} has no revision {revision}"),
        (errors.RemoteEntryNotFoundError, f"{repo} lacks a file of a model: {', '.join(FILES)}"),
        (errors.OfflineModeIsEnabled, "Hub access is disabled (HF_HUB_OFFLINE)"),
        (errors.HFValidationError, f"{repo} is not a valid name of a repo"),
    ):
        if isinstance(error, kind):
            return sentence
    if status is not None:
        return f"the Hub answered with an error ({status})"
    if isinstance(error, OSError) and error.filename is not None:
        return f"the cache cannot be written ({error.strerror})"
    if isinstance(error, OSError) and "Consistency check" in str(error):
        return f"a file of {repo} arrived cut short"
    return f"the Hub could not be reached, or the connection broke ({type(error).__name__})"


def report(**message: str) -> None:
    """Write a message to the parent process: `doing` now, or at the end a `problem`, or `folder` and `commit`."""
    print(json.dumps(message), flush=True)


def main(repo: str, revision: str, what: str) -> None:
    """The child process: report progress and the result as lines of JSON."""
    try:
        report(**(fetch_training_files if what == "training" else fetch_model)(repo, revision))
    except Exception as error:  # the client raises many kinds, and each must become a sentence
        report(problem=error_message(error, repo, revision))


if __name__ == "__main__":
    main(*sys.argv[1:])
