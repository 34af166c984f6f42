"""Train a model: one step, the loop around it, checkpoints and the run folder."""
