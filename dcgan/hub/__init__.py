"""Models on the Hugging Face Hub: load, download, upload, the model card, and the Space that shows them."""
