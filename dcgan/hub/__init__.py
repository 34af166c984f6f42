"""Models on the Hugging Face Hub: load, download, upload, and the model card."""
