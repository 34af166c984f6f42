"""The model card: a README.md with the metadata that the Hub reads."""

from pathlib import Path

from dcgan.config import ModelConfig
from dcgan.files import write_text

TEMPLATE = """\
---
license: mit
library_name: pytorch
pipeline_tag: unconditional-image-generation
datasets:
- ylecun/mnist
tags:
- dcgan
- gan
- mnist
- handwritten-digits
---

# {name}

Handwritten digits that nobody wrote: a {kind} DCGAN ([Radford, Metz & Chintala
2015](https://arxiv.org/abs/1511.06434)) trained on MNIST.

![{caption}](samples.png)

{explanation}

| | |
|---|---|
| networks | latent {latent_dim} → {image_size}×{image_size}×{image_channels}, base_channels {base_channels} |
| data | MNIST, training split, {images:,} images, padded from 28×28 to 32×32 |
| trained | {epochs_done} of {epochs} epochs, {steps_done:,} steps, {hours}, on {device}, torch {torch} |
| recipe | {recipe} |
| images/s while training | {rate:,.0f} (mean over the epochs) |

Files: `model.safetensors` is the generator to sample from (averaged weights, recalibrated BatchNorm),
`discriminator.safetensors` the discriminator it was trained against, `config.json` rebuilds both,
`history.jsonl` has a line per epoch, `progress.webp` shows the same seeds after every epoch.

## Use

    python scripts/sample.py {name} --count 64 --seed 0 --out digits.png

Pictures are a function of seed{digit} and truncation. Values are white ink on black, 0 to 255.

## Limits

It knows what MNIST knows: single, centred digits of the 1990s, American writers. {limits}
Quality beyond what is written here: not measured.

## Licence

MIT for the weights and the code. MNIST is by Yann LeCun, Corinna Cortes and Christopher J.C. Burges.
"""


def write_card(folder: Path, name: str, config: ModelConfig, training: dict, history: list[dict]) -> None:
    """Write README.md from what was measured: nothing in it is a claim about another run."""
    conditional = config.num_classes > 0
    seconds = sum(entry["seconds"] for entry in history)
    images = training["images"] * len(history)
    text = TEMPLATE.format(
        name=name,
        kind="conditional" if conditional else "unconditional",
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
        recipe=", ".join(f"{key} {value:g}" for key, value in training["recipe"].items()),
        epochs=training["recipe"]["epochs"],
        **config.to_dict() | {key: training[key] for key in ("images", "epochs_done", "steps_done", "device", "torch")},
    )
    write_text(folder / "README.md", text)
