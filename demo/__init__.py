"""The Gradio page: one module per tab, and one per API endpoint. The networks and the training are in `dcgan`."""
