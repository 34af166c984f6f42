"""One module per tab: its controls, and the HTML that it begins with."""
