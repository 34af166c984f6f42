"""Start the page on http://127.0.0.1:7860: `python app.py`. This is also the entry of a Hugging Face Space.

`DCGAN_MODEL` names the models: bundled names, folders, user/repo or user/repo@revision, separated by commas.
`DCGAN_REFRESH_MINUTES` sets how often to look for new weights on the Hub (default 10; 0 disables it).
"""

import argparse
import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading


def read_arguments() -> None:
    """Read the command line and pass it on to Gradio in environment variables."""
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="Start the page on http://127.0.0.1:7860. Gradio's environment variables apply, for example "
        "GRADIO_SERVER_PORT. DCGAN_MODEL names the models, separated by commas. DCGAN_REFRESH_MINUTES sets how often "
        "to look for new weights on the Hub (default 10; 0 disables it).",
    )
    parser.add_argument(
        "--mcp", action="store_true", help="also offer the API endpoints as MCP tools, at /gradio_api/mcp/"
    )
    if parser.parse_args().mcp:
        try:
            import mcp  # noqa: F401
        except ImportError:
            parser.exit(2, 'app.py: --mcp needs the package mcp: pip install "gradio[mcp]"\n')
        os.environ["GRADIO_MCP_SERVER"] = "True"


def free_port() -> int:
    """Return the port of the page, `GRADIO_SERVER_PORT` or 7860. Exit with a sentence if it cannot be used."""
    name, text = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), os.environ.get("GRADIO_SERVER_PORT", "7860")
    try:
        family = socket.AF_INET6 if ":" in name else socket.AF_INET
        with socket.create_server((name.strip("[]"), int(text)), family=family):
            return int(text)
    except (OSError, ValueError, OverflowError):
        print(f"app.py: port {text} is in use, or is none: set GRADIO_SERVER_PORT to another one", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    read_arguments()  # before the slow imports, so that --help answers at once
    port = free_port()
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library than glibc
            ctypes.CDLL(None).mallopt(-8, 2)  # M_ARENA_MAX: else memory that each thread has freed is kept for it alone
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: no telemetry
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # a call each core: two calls with threads each wait for one another

from demo.models import Models, asked_models, refresh_minutes  # noqa: E402
from demo.page import build_page, launch_options  # noqa: E402
from demo.parts.files import keep_clean, use_own_folder  # noqa: E402

try:  # ZeroGPU requires a decorated function, although the CPU is fast enough for this network
    import spaces

    @spaces.GPU
    def draw_on_gpu() -> None:
        """Do nothing. Never called."""

except ImportError:
    pass

use_own_folder()
models = Models(asked_models())
models.keep_fresh(refresh_minutes())
demo = build_page(models)

if __name__ == "__main__":
    stop = threading.Event()
    end = threading.Timer(4.5, os._exit, [0])  # seconds, whatever keeps the page from ending by itself
    end.daemon = True
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    keep_clean()
    demo.launch(**launch_options(demo, models), server_port=port, prevent_thread_lock=True)
    with contextlib.suppress(KeyboardInterrupt):
        stop.wait()
    end.start()
    demo.stop()
    sys.stdout.flush()
    os._exit(0)  # whatever still runs in a thread
