"""The model card: a README.md made from the folder's own files, so that it says nothing else."""

import json
from pathlib import Path

from dcgan.config import format_value
from dcgan.files import write_text
from dcgan.model_folder import read_config

TEMPLATE = """\
---
{metadata}
---

# {name}

Handwritten digits that nobody wrote: {kind} DCGAN ([Radford, Metz & Chintala
2015](https://arxiv.org/abs/1511.06434)) trained on MNIST.

![{caption}](samples.png)

<Gallery />

{explanation}

| | |
|---|---|
| networks | latent {latent_dim} → {image_size}×{image_size}×{image_channels}, base_channels {base_channels} |
| data | {dataset}, {images:,} images, padded from 28×28 to 32×32 |
| trained | {epochs_done} of {epochs} epochs{extended}, {steps_done:,} steps, {hours}, on {device}, torch {torch} |
| recipe | {recipe} |
| speed | {rate:,.0f} training images/s (mean over the epochs) |

## Quality

{quality}

## Use

    python scripts/sample.py {name} --count 64 --seed 0 --out digits.png

A picture is a function of seed{digit} and truncation: white ink on black, 0 to 255.

`model.safetensors` is the generator to sample from (averaged weights, recalibrated BatchNorm),
`discriminator.safetensors` the discriminator it was trained against, `config.json` rebuilds both,
`history.jsonl` has a line per epoch, `progress.webp` shows the same seeds after every epoch.

## Limits

It knows what MNIST knows: single, centred digits by American writers of the 1990s. {limits}

## Licence

MIT for the weights and the code. MNIST is by Yann LeCun, Corinna Cortes and Christopher J.C. Burges.
"""

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


def metadata(name: str, conditional: bool, evaluation: dict | None) -> str:
    """The card's YAML: what the Hub sorts, shows and validates; results only where they were measured."""
    from huggingface_hub import EvalResult, ModelCardData

    task = "unconditional-image-generation"
    runs = evaluation["runs"] if evaluation else []
    measured = {key: sum(run[key] for run in runs) / len(runs) for key in RESULTS if runs and key in runs[0]}
    results = [
        EvalResult(
            task_type=task,
            dataset_type="ylecun/mnist",
            dataset_name="MNIST",
            dataset_split="test",
            metric_type=kind,
            metric_name=title,
            metric_value=round(measured[key], 5),
        )
        for key, (kind, title) in RESULTS.items()
        if key in measured
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
        **({"model_name": name, "eval_results": results} if results else {}),
    )
    return data.to_yaml().strip()


def summary(runs: list[dict]) -> list[tuple[str, str]]:
    """Of the measures in an evaluation.json's runs: (name, mean over the sampling seeds and, of several, the range)."""
    rows = []
    for key, (name, form) in MEASURES.items():
        values = [float(run[key]) for run in runs if key in run]
        if values:
            text = form.format(sum(values) / len(values))
            if len(values) > 1:
                text += f" ({form.format(min(values))} to {form.format(max(values))})"
            rows.append((name, text))
    return rows


def quality_table(evaluation: dict) -> str:
    """Markdown of an evaluation.json."""
    runs = evaluation["runs"]
    lines = ["| measure | value |", "|---|---|", *(f"| {name} | {text} |" for name, text in summary(runs))]
    seeds = ", ".join(str(run["sampling_seed"]) for run in runs)
    lines += ["", f"`{evaluation['command']}`, sampling seed {seeds}, on {evaluation['device']}; "]
    lines[-1] += "the protocol (n, seeds, splits) is in `dcgan/evaluation/protocol.py`."
    return "\n".join(lines)


def recipe_text(training: dict) -> str:
    """The settings of a training and, where it went on from another's folder, which were other before."""
    recipe = training["recipe"]
    texts = [settings(recipe)]
    for earlier in training.get("earlier_recipes", []):
        other = {key: value for key, value in earlier.items() if key != "epochs" and value != recipe.get(key)}
        if other:
            texts.append(f"until epoch {earlier['epochs']} {settings(other)}")
    return "; ".join(texts)


def settings(values: dict) -> str:
    return ", ".join(f"{key} {format_value(value)}" for key, value in values.items())


def write_card(folder: Path) -> None:
    """Write README.md from config.json, history.jsonl and, where there is one, evaluation.json."""
    config, training = read_config(folder)
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    path = folder / "evaluation.json"
    evaluation = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    name, conditional = folder.absolute().name, config.num_classes > 0
    earlier = training.get("mean_with_ends_of_epochs", [])
    seconds = sum(entry["seconds"] for entry in history)
    images = sum(entry["seconds"] * entry["images_per_second"] for entry in history)
    text = TEMPLATE.format(
        name=name,
        kind="a conditional" if conditional else "an unconditional",
        caption="Rows are seeds, columns digits" if conditional else "Samples of the seeds 0 to 99",
        explanation=(
            "It can be asked for a digit. One seed is one hand: the same seed with another digit gives that "
            "digit in the same handwriting. In the picture a row is a seed (0 to 9), a column a digit."
            if conditional
            else "The seed decides everything, the digit too. The picture shows the seeds 0 to 99."
        ),
        limits=(
            "Now and then it writes another digit than the one asked for."
            if conditional
            else "Some pictures lie between two digits and are none."
        ),
        digit=", digit" if conditional else "",
        hours=f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours",
        rate=images / max(seconds, 1e-9),
        recipe=recipe_text(training),
        epochs=training["recipe"]["epochs"],
        extended=f" (trained on from {', '.join(map(str, earlier))}; the mean of all ends)" if earlier else "",
        quality=quality_table(evaluation) if evaluation else "Not measured.",
        metadata=metadata(name, conditional, evaluation),
        **config.to_dict()
        | {key: training[key] for key in ("dataset", "images", "epochs_done", "steps_done", "device", "torch")},
    )
    write_text(folder / "README.md", text)
