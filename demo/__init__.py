"""The Gradio page: one module per tab, no training and no modelling inside."""
