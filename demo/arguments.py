"""The command line of `python app.py`: read before anything slow is imported."""

import argparse
import os
import sys
from collections.abc import Sequence

NO_MCP = 'app.py: --mcp needs one package more, and this installs it: pip install "gradio[mcp]"\n'


def read_arguments(arguments: Sequence[str] | None = None) -> None:
    """Read the command line (`sys.argv` if None) and tell Gradio what it asks for, by Gradio's own environment.

    Raises `SystemExit`: 0 after --help, 2 for a mistake or where the package for --mcp is missing.
    """
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="The page on http://127.0.0.1:7860. GRADIO_SERVER_PORT and Gradio's other variables work; "
        "DCGAN_MODEL names the models, DCGAN_REFRESH_MINUTES says how often to look for new weights.",
    )
    parser.add_argument(
        "--mcp", action="store_true", help="also offer the page's endpoints as tools of MCP, at /gradio_api/mcp/"
    )
    if parser.parse_args(arguments).mcp:
        try:
            import mcp  # noqa: F401
        except ImportError:
            sys.stderr.write(NO_MCP)
            raise SystemExit(2) from None
        os.environ["GRADIO_MCP_SERVER"] = "True"
