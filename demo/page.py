"""The page: a title, a model picker, and a tab for each way to play."""

from pathlib import Path

import gradio as gr

from demo import generate, interpolate
from demo.models import Models
from demo.theme import build_theme

HERE = Path(__file__).parent
MASTHEAD = """
<h1>Handwritten digits that nobody wrote</h1>
<p>A neural network learnt from 60,000 digits how people write, and now writes its own.
Each picture is made by a number, its seed: the same seed makes the same digit again.</p>
"""


def build_page(models: Models) -> gr.Blocks:
    """The whole page; `launch` it with `launch_options`."""
    choices = models.choices()
    # Files made for clients of the API are deleted after an hour.
    with gr.Blocks(
        title="Handwritten digits that nobody wrote", analytics_enabled=False, delete_cache=(3600, 3600)
    ) as page:
        gr.HTML(MASTHEAD, elem_id="masthead")
        model_name = gr.Radio(choices, value=choices[0][1], label="Model", elem_id="model", elem_classes="chips")
        with gr.Tab("Generate", id="generate"):
            generate.build(page, models, model_name)
        with gr.Tab("Interpolate", id="interpolate"):
            interpolate.build(page, models, model_name, (HERE / "interpolate.js").read_text(encoding="utf-8"))
        weights = gr.HTML(models.status(), elem_id="weights")
        page.load(models.status, None, weights, show_progress="hidden", api_visibility="private")
        gr.Timer(30).tick(models.status, None, weights, show_progress="hidden", api_visibility="private")
        gr.api(
            models.describe,
            api_name="models",
            api_description="The models of this page: name, whether it knows digits, what is shown for it, its commit "
            "on the Hub, and why it is not the newest.",
        )
    page.queue(max_size=64, default_concurrency_limit=2)
    return page


def launch_options() -> dict:
    """Looks and limits for `Blocks.launch`: in Gradio 6 they belong there."""
    return {
        "theme": build_theme(),
        # In the head as it is: Gradio would scope `css=` to its container, inside of which there is no .dark.
        "head": f"<style>{(HERE / 'style.css').read_text(encoding='utf-8')}</style>",
        "footer_links": ["api"],
        "enable_monitoring": False,
        "max_file_size": "1mb",  # nothing here takes files, but Gradio's upload route would
        "ssr_mode": False,
    }
