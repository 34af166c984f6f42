"""Measure a model: the digit classifier, the metrics and the protocol."""
