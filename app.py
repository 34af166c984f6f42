"""The page on http://127.0.0.1:7860: `python app.py`, with `--mcp` for programs too. Also the entry of a Hugging
Face Space.

`DCGAN_MODEL` names the models (bundled names, folders, user/repo or user/repo@revision; comma-separated),
`DCGAN_REFRESH_MINUTES` how often to look for new weights on the Hub (10; 0 is never).
"""

import os

from demo.arguments import read_arguments

if __name__ == "__main__":
    read_arguments()  # before the seconds that the rest takes
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: nothing leaves the host
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from demo.models import Models, asked_models, refresh_minutes
from demo.page import build_page, launch_options

try:  # ZeroGPU wants to see a decorated function, though digits this small are drawn on the CPU
    import spaces

    @spaces.GPU
    def draw_on_gpu() -> None:
        """Never called."""

except ImportError:
    pass

models = Models(asked_models())
models.keep_fresh(refresh_minutes())
demo = build_page(models)

if __name__ == "__main__":
    demo.launch(**launch_options())
