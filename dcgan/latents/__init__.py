"""From latent vectors to pictures: seeds, codes, interpolation, directions, inversion, handwriting."""
