"""The theme: ink on paper in light mode, chalk on slate in dark mode."""

import gradio as gr

PAPER, SHEET, INK, FADED, RULE, BLUE = "#f4efe3", "#fbf8f0", "#211f1b", "#5f594d", "#d9d0bc", "#1d4e89"
EDGE, RIM = "#8d8471", "#7f8b90"  # of what can be changed: 3:1 on their ground
SLATE, BOARD, CHALK, DUST, GROOVE, SKY = "#1d2326", "#262d31", "#ece8dd", "#aeb3ae", "#3c464b", "#9cc7ee"

FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]  # of the system: none is fetched
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
COLOURS = {  # Gradio's names: (light, dark)
    "body_background_fill": (PAPER, SLATE),
    "background_fill_primary": (SHEET, BOARD),
    "background_fill_secondary": (PAPER, SLATE),
    "block_background_fill": (SHEET, BOARD),
    "panel_background_fill": (PAPER, SLATE),
    "body_text_color": (INK, CHALK),
    "body_text_color_subdued": (FADED, DUST),
    "block_label_text_color": (FADED, DUST),
    "block_title_text_color": (INK, CHALK),
    "block_info_text_color": (FADED, DUST),
    "block_label_background_fill": (SHEET, BOARD),
    "border_color_primary": (RULE, GROOVE),
    "block_border_color": (RULE, GROOVE),
    "input_background_fill": (PAPER, SLATE),
    "input_border_color": (EDGE, RIM),
    "color_accent_soft": (PAPER, SLATE),
    "slider_color": (BLUE, SKY),
    "link_text_color": (BLUE, SKY),
    "link_text_color_hover": (INK, CHALK),
    "link_text_color_visited": (BLUE, SKY),
    "border_color_accent": (BLUE, SKY),
    "button_secondary_background_fill": (PAPER, SLATE),
    "button_secondary_background_fill_hover": (RULE, GROOVE),
    "button_secondary_border_color": (EDGE, RIM),
    "button_secondary_text_color": (INK, CHALK),
    "input_border_color_focus": (BLUE, SKY),
    "checkbox_background_color": (PAPER, SLATE),
    "checkbox_background_color_selected": (BLUE, SKY),
    "checkbox_border_color": (FADED, DUST),
    "checkbox_border_color_selected": (BLUE, SKY),
    "checkbox_label_background_fill": (PAPER, SLATE),
    "checkbox_label_background_fill_hover": (RULE, GROOVE),
    "checkbox_label_background_fill_selected": (BLUE, SKY),
    "checkbox_label_border_color": (EDGE, RIM),
    "checkbox_label_text_color": (INK, CHALK),
    "checkbox_label_text_color_selected": (SHEET, SLATE),
}


def css_variables() -> str:
    """Return the colours and fonts as CSS variables, named as Gradio names them: for a page without Gradio."""
    light, dark = (
        "".join(f"--{name.replace('_', '-')}:{pair[mode]};" for name, pair in COLOURS.items()) for mode in (0, 1)
    )
    font, mono = (",".join(f'"{name}"' if " " in name else name for name in names) for names in (FONT, MONO))
    return f":root{{--font:{font};--font-mono:{mono};--block-radius:2px;{light}}}.dark{{{dark}}}"


def build_theme() -> gr.themes.Base:
    """Return the theme."""
    settings = {}
    for name, (light, dark) in COLOURS.items():
        settings |= {name: light, f"{name}_dark": dark}
    theme = gr.themes.Base(
        font=FONT,
        font_mono=MONO,
        radius_size=gr.themes.sizes.radius_sm,
    )
    return theme.set(
        **settings, color_accent=BLUE, block_shadow="none", block_border_width="1px", button_border_width="1px"
    )
