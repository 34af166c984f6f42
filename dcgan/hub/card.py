"""The model card: a README.md filled in from the folder's other files, by the template card.md."""

import shlex
from pathlib import Path
from statistics import mean

from dcgan.config import ModelConfig, format_value
from dcgan.files import write_text
from dcgan.model_folder import BUNDLED, read_config, read_evaluation, read_history

TEMPLATE = Path(__file__).with_name("card.md")
USE_ON_HUB = Path(__file__).with_name("card_use_on_hub.md")  # code that needs nothing of ours; a test runs it
KINDS = {  # what the card says of a conditional model, and of an unconditional one
    True: {
        "kind": "A conditional",
        "caption": "Rows are seeds, columns digits",
        "explanation": "It can be asked for a digit. One seed is one handwriting: the same seed with another digit "
        "gives that digit in the same handwriting. In the picture a row is a seed (0 to 9) and a column a digit.",
        "digit": " and digit",
        "limits": "Now and then it draws a digit other than the one requested.",
    },
    False: {
        "kind": "An unconditional",
        "caption": "Samples of the seeds 0 to 99",
        "explanation": "The seed decides everything, also which digit it is. The picture shows the seeds 0 to 99.",
        "digit": "",
        "limits": "Some pictures lie between two digits.",
    },
}

MEASURES = {  # key of evaluation.json: (name, format)
    "frechet_distance": ("Fréchet distance to the test digits, in the digit classifier's features", "{:.3f}"),
    "frechet_floor": ("… of real training digits (the floor)", "{:.3f}"),
    "frechet_ratio": ("… ratio to the floor (1 = as real digits)", "{:.1f}"),
    "precision": ("precision", "{:.3f}"),
    "recall": ("recall", "{:.3f}"),
    "density": ("density", "{:.3f}"),
    "coverage": ("coverage", "{:.3f}"),
    "class_kl": ("class balance: KL to uniform, nats", "{:.4f}"),
    "label_accuracy": ("label accuracy (GAN-test)", "{:.2%}"),
    "novelty": ("novelty (1 = as new as real test digits)", "{:.3f}"),
    "nearest_neighbour_error_50k": ("1-NN test error, 50,000 generated digits", "{:.2%}"),
    "nearest_neighbour_error_10m": ("1-NN test error, 10,000,000 generated digits", "{:.2%}"),
    "gan_train": ("GAN-train: test accuracy of a classifier that saw generated digits only", "{:.2%}"),
    "discriminator_features": ("discriminator features, linear classifier, all labels", "{:.2%}"),
    "discriminator_features_1000": ("discriminator features, linear classifier, 1,000 labels", "{:.2%}"),
}

RESULTS = {  # key of evaluation.json: (metric type, name), for the Hub's model-index
    "frechet_distance": ("frechet_distance", "Fréchet distance, digit classifier features, 10,000 samples"),
    "precision": ("precision", "Precision (Kynkäänniemi), k = 5"),
    "recall": ("recall", "Recall (Kynkäänniemi), k = 5"),
    "label_accuracy": ("accuracy", "Label accuracy (GAN-test)"),
    "gan_train": ("accuracy", "GAN-train"),
}


def measured(key: str, runs: list[dict]) -> list[float]:
    return [run[key] for run in runs if key in run]


def metadata(name: str, conditional: bool, evaluation: dict | None) -> str:
    """Return the card's YAML, by which the Hub sorts and shows models. It has results only if they were measured."""
    from huggingface_hub import EvalResult, ModelCardData

    task = "unconditional-image-generation"
    results = [
        EvalResult(
            task_type=task,
            dataset_type="ylecun/mnist",
            dataset_name="MNIST",
            dataset_split="test",
            metric_type=kind,
            metric_name=title,
            metric_value=round(mean(values), 5),
        )
        for key, (kind, title) in RESULTS.items()
        if (values := measured(key, evaluation["runs"] if evaluation else []))
    ]
    data = ModelCardData(
        license="mit",
        library_name="pytorch",
        pipeline_tag=task,
        datasets=["ylecun/mnist"],
        tags=["dcgan", "gan", "mnist", "handwritten-digits", *(["conditional"] if conditional else [])],
        widget=[
            {"text": "samples", "output": {"url": "samples.png"}},
            {"text": "the same seeds after every epoch", "output": {"url": "progress.webp"}},
        ],
        model_name=name if results else None,
        eval_results=results or None,
    )
    return data.to_yaml().strip()


def facts(config: ModelConfig, training: dict, history: list[dict]) -> list[tuple[str, str]]:
    """Return (name, text) rows about the networks, the data and the training. What is not known has no row."""
    size = f"{config.image_size}×{config.image_size}×{config.image_channels}"
    told = "told the digit" if config.num_classes else "not told the digit"
    channels = f"base_channels {config.base_channels}"
    if config.discriminator_channels:
        channels += f" (discriminator {config.discriminator_channels})"
    rows = [("networks", f"latent {config.latent_dim} → {size}, {channels}, {told}")]
    if "images" in training:
        dataset = training.get("dataset", "MNIST")
        larger = f", enlarged to {size}" if (config.image_size, config.image_channels) != (32, 1) else ""
        rows.append(("data", f"{dataset}, {training['images']:,} images, padded from 28×28 to 32×32{larger}"))
    recipe = training.get("recipe", {})
    if epochs := training.get("epochs_done", len(history)):
        done = [f"{epochs} of {recipe.get('epochs', epochs)} epochs"]
        if "steps_done" in training:
            done.append(f"{training['steps_done']:,} steps")
        if seconds := sum(entry.get("seconds", 0) for entry in history):
            time = f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
            done.append(f"{time} of steps")  # without measuring and saving
        names = {"on": "device", "in": "precision", "torch": "torch"}
        done += [f"{word} {training[key]}" for word, key in names.items() if key in training]
        rows.append(("trained", ", ".join(done)))
        if seconds:
            images = sum(entry.get("seconds", 0) * entry.get("images_per_second", 0) for entry in history)
            rows.append(("speed", f"{images / seconds:,.0f} training images/s (mean over the epochs)"))
    if recipe:
        rows.append(("recipe", ", ".join(f"{key} {format_value(value)}" for key, value in recipe.items())))
    return rows


def summary(runs: list[dict]) -> list[tuple[str, str]]:
    """Return (measure, text) rows: the mean over the runs of an evaluation and, of several runs, the range."""
    rows = []
    for key, (name, form) in MEASURES.items():
        if values := measured(key, runs):
            text = form.format(mean(values))
            if len(values) > 1:
                text += f" ({form.format(min(values))} to {form.format(max(values))})"
            rows.append((name, text))
    return rows


def table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"| {name} | {text} |" for name, text in rows)


def quality_table(evaluation: dict) -> str:
    """Return an evaluation as Markdown."""
    runs = evaluation["runs"]
    seeds = ", ".join(str(run["sampling_seed"]) for run in runs)
    which = "seeds" if len(runs) > 1 else "seed"
    return (
        f"| measure | value |\n|---|---|\n{table(summary(runs))}\n\n"
        f"Measured with `{evaluation['command']}`, sampling {which} {seeds}, on {evaluation['device']}. "
        "`dcgan/evaluation/protocol.py` describes the samples, seeds and splits."
    )


def path_from_root(folder: Path) -> str:
    """Return how a command in the repository's root names a model folder."""
    folder, root = folder.resolve(), BUNDLED.parents[1].resolve()
    if folder.parent == BUNDLED.resolve():
        return folder.name
    return shlex.quote((folder.relative_to(root) if folder.is_relative_to(root) else folder).as_posix())


def make_card(folder: Path, repo: str | None = None) -> str:
    """Return the card of a model folder, for the folder itself or for `user/repo` on the Hub. Raises `ModelError`."""
    config, training = read_config(folder)
    evaluation, conditional = read_evaluation(folder), config.num_classes > 0
    name = repo or folder.absolute().name
    if repo is None:
        command = f"python scripts/sample.py {path_from_root(folder)} --count 64 --seed 0 --out digits.png"
        use = f"From the root of the repository:\n\n    {command}"
    else:
        use = USE_ON_HUB.read_text(encoding="utf-8").replace("REPO", repo).rstrip()
    return TEMPLATE.read_text(encoding="utf-8").format(
        **KINDS[conditional],
        name=name,
        metadata=metadata(name, conditional, evaluation),
        facts=table(facts(config, training, read_history(folder))),
        quality=quality_table(evaluation) if evaluation else "Not measured.",
        use=use,
    )


def write_card(folder: Path) -> None:
    """Write a model folder's README.md. Raises `ModelError`."""
    write_text(folder / "README.md", make_card(folder))
