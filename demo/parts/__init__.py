"""What the tabs and the endpoints share: controls, input checks, pictures, files."""
