"""The Gradio page: one module per tab. The networks and the training are in `dcgan`."""
