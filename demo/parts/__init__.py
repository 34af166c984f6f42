"""What the tabs share: controls, input checks, pictures, the player, downloads."""
