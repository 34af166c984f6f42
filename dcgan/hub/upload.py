"""A model folder to the Hub: one commit, none when nothing changed, never half a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dcgan import InputError
from dcgan.hub.download import FILES, HubError
from dcgan.model_folder import load_folder

REQUIRED = (*FILES, "README.md")
OPTIONAL = ("samples.png", "history.jsonl", "progress.webp", "evaluation.json", "novelty.png")


@dataclass(frozen=True)
class Pushed:
    """Where the model is now; `changed` is False where the Hub had it already."""

    url: str
    commit: str
    changed: bool


def files_to_push(folder: Path) -> list[Path]:
    """The model folder's files, after the model has been loaded strictly: nothing broken leaves the house."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: name a run or a model folder")
    load_folder(folder, str(folder))
    if missing := [name for name in REQUIRED if not (folder / name).is_file()]:
        raise InputError(f"{folder} is no whole model folder: it lacks {', '.join(missing)}")
    return [folder / name for name in (*REQUIRED, *OPTIONAL) if (folder / name).is_file()]


def push_model(folder: Path, repo: str, *, private: bool = False, tag: str | None = None) -> Pushed:
    """Create the repo if need be, upload the folder as one commit, tag it.

    Raises `InputError` in a sentence for a missing token or right, a bad name, no network, a tag that
    is elsewhere already; nothing is retried for long and the folder stays as it is.
    """
    from huggingface_hub import HfApi

    files = files_to_push(folder)
    check_repo_id(repo)
    if tag is not None and not tag.replace("-", "").replace(".", "").replace("_", "").isalnum():
        raise InputError(f"tag is {tag!r}: use letters, digits, '.', '_' and '-'")
    api = HfApi()
    check_token(api)
    with hub_errors(f"push to {repo}"):
        api.create_repo(repo, private=private, exist_ok=True)
        before = api.repo_info(repo).sha
        done = api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            allow_patterns=[path.name for path in files],
            commit_message=f"Push {folder.absolute().name}",
            parent_commit=before,
        )
        if tag is not None:
            set_tag(api, repo, tag, done.oid)
    return Pushed(f"{api.endpoint}/{repo}", done.oid, done.oid != before)


def set_tag(api, repo: str, tag: str, commit: str) -> None:
    """A tag never moves: others rely on what it names."""
    tags = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo).tags}
    if tags.get(tag, commit) != commit:
        raise InputError(f"{repo} has a tag {tag} already, at commit {tags[tag][:8]}: choose another one")
    if tag not in tags:
        api.create_tag(repo, tag=tag, revision=commit)


def check_repo_id(repo: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError:
        repo_is_valid = False
    else:
        repo_is_valid = repo.count("/") == 1
    if not repo_is_valid:
        raise InputError(f"{repo!r} is no valid name of a repo: write user/name, in letters, digits, '-', '_' and '.'")


def check_token(api) -> None:
    from huggingface_hub import get_token

    if get_token() is None:
        raise InputError("there is no token: log in with `hf auth login`, or set HF_TOKEN to one that may write")


@contextmanager
def hub_errors(doing: str) -> Iterator[None]:
    """What the client raises, as one sentence without tracebacks, headers or tokens."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except InputError:
        raise
    except (errors.HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        reasons = {
            401: "the Hub does not know this token: log in again with `hf auth login`",
            403: "this token has no right to write there",
            404: "the Hub has no such repo, or the token may not see it",
            409: "somebody else is writing there: try again",
            412: "somebody else has pushed in the meantime: try again",
            429: "the Hub asks to wait: try again in some minutes",
        }
        reason = reasons.get(status) or (
            f"the Hub answered with an error ({status})" if status else f"no connection ({type(error).__name__})"
        )
        raise HubError(f"the {doing} failed: {reason}") from None
