"""A DCGAN (Radford, Metz & Chintala 2015, arXiv 1511.06434) that learns handwritten digits.

One idea a module: `config` (what a model is), `model` (the two networks), `data` (MNIST),
`train` and `checkpoint` (how weights are made), `folder` (the model folder everything passes
along), `sampling` (seeds to pictures), `images` (pictures to files), `cli` (flags and errors).
"""


class InputError(ValueError):
    """The caller's mistake, told in one sentence that a person understands."""
