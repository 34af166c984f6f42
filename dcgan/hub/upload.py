"""Push a model folder to the Hub: one commit, and none if nothing changed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dcgan import InputError
from dcgan.hub.card import make_card
from dcgan.hub.download import FILES, HubError
from dcgan.model_folder import load_folder, read_evaluation

MEASURED = ("evaluation.json", "novelty.png")  # they belong to the weights that they were measured on
OPTIONAL = ("samples.png", "history.jsonl", "progress.webp", *MEASURED)


@dataclass(frozen=True)
class Pushed:
    """Where the model is on the Hub. `changed` is False if the Hub had exactly this already."""

    url: str
    commit: str
    changed: bool


def files_to_push(folder: Path, repo: str) -> dict[str, Path | bytes]:
    """Return the files of a push by name: paths, and as bytes the card for `repo`.

    The model is loaded first: a broken one raises `InputError`. `MEASURED` files of other weights are left out.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: name a run or a model folder")
    load_folder(folder, str(folder))
    left_out = MEASURED if read_evaluation(folder) is None else ()
    names = [*FILES, *(name for name in OPTIONAL if name not in left_out and (folder / name).is_file())]
    return {name: folder / name for name in names} | {"README.md": make_card(folder, repo).encode()}


def push_model(folder: Path, repo: str, *, private: bool = False, tag: str | None = None) -> Pushed:
    """Create the repo if it is missing, push the folder as one commit, and tag it. Raises `InputError`.

    Optional files that the folder no longer has are deleted on the Hub; the folder itself is not changed.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    check_repo_id(repo)
    check_tag(tag)
    files = files_to_push(folder, repo)
    api = HfApi()
    check_token()
    with hub_errors(f"push to {repo}"):
        api.create_repo(repo, private=private, exist_ok=True)
        before = api.repo_info(repo)
        on_hub = {file.rfilename for file in before.siblings}
        done = api.create_commit(
            repo,
            [
                *(CommitOperationAdd(name, content) for name, content in files.items()),
                *(CommitOperationDelete(name) for name in OPTIONAL if name in on_hub and name not in files),
            ],
            commit_message=f"Push {folder.absolute().name}",
            parent_commit=before.sha,
        )
        if tag is not None:
            tags = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo).tags}
            if tags.get(tag, done.oid) != done.oid:  # it is never moved, because others rely on it
                raise InputError(
                    f"pushed as commit {done.oid[:8]}, but without the tag: {repo} has a tag {tag} already, at commit "
                    f"{tags[tag][:8]}: choose another tag"
                )
            if tag not in tags:
                api.create_tag(repo, tag=tag, revision=done.oid)
    return Pushed(f"{api.endpoint}/{repo}", done.oid, done.oid != before.sha)


def check_tag(tag: str | None) -> None:
    """Raise `InputError` for a tag by which no model could be loaded again."""
    if tag is not None and (not re.fullmatch(r"\w[\w.-]*", tag) or ".." in tag):
        raise InputError(f"tag is {tag!r}: use letters, digits, '.', '_' and '-', beginning with a letter or a digit")


def check_repo_id(repo: str) -> None:
    """Raise `InputError` if `repo` is not a valid `user/name`."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    with suppress(HFValidationError):
        validate_repo_id(repo)
        if repo.count("/") == 1:
            return
    raise InputError(f"{repo!r} is not a valid repo: use user/name, in letters, digits, '-', '_' and '.'")


def check_token() -> None:
    """Raise `InputError` if there is no Hub token."""
    from huggingface_hub import get_token

    if get_token() is None:
        raise InputError("there is no Hub token: log in with `hf auth login`, or set HF_TOKEN (it needs write access)")


@contextmanager
def hub_errors(doing: str) -> Iterator[None]:
    """Turn what the client raises into a `HubError` of one sentence, without headers or tokens."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except (errors.HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        reasons = {
            None: f"no connection ({type(error).__name__})",
            401: "the Hub does not accept this token: log in again with `hf auth login`",
            403: "this token has no write access there",
            404: "the repo does not exist, or this token has no access to it",
            409: "another write is in progress: try again",
            412: "somebody else pushed at the same time: try again",
            429: "too many requests: try again in some minutes",
        }
        reason = reasons.get(status, f"the Hub answered with an error ({status})")
        raise HubError(f"the {doing} failed: {reason}") from None
