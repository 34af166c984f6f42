"""One module per tab: its controls, its picture and its API endpoint."""
