"""The page of plain files, from a host of files: its controls, pictures and tabs, with and without a connection."""

import functools
import json
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import av
import gradio as gr
import numpy as np
import pytest
import visitor as v
from axe_playwright_python.sync_playwright import Axe
from file_host import hosting
from playwright.sync_api import Page, expect

from dcgan.model_folder import read_history
from demo import plain_html
from demo.models import Models
from demo.page import build_page
from demo.tabs import write
from scripts.space import write_static


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("files")
    (root / "digits").mkdir()  # as on hosts where the page is below other pages
    write_static(root / "digits", None)
    return root


@pytest.fixture(scope="module")
def plain_url(root: Path) -> Iterator[str]:
    with hosting(root) as host:
        yield f"{host.url}digits/"


@pytest.fixture(scope="module")
def open_plain(browser, plain_url) -> Iterator[Callable[..., Page]]:
    with v.page_opener(browser, plain_url) as open_page:
        yield functools.partial(open_page, reduced_motion="reduce")


@pytest.fixture(scope="module")
def plain(open_plain, plain_url) -> Page:
    return open_plain()


READ = """id => {
  const block = document.getElementById(id), input = block.querySelector("input, textarea");
  const text = (found) => found?.innerText || found?.textContent || null;
  const options = [...block.querySelectorAll("input[type=radio]")];
  const { type, min, max, step, value, checked } = input;
  return {
    kind: options.length ? "choice" : { range: "slider", checkbox: "check", textarea: "text" }[type] ?? type,
    label: text(input.labels[0]?.querySelector("span") ?? input.labels[0]), legend: text(block.querySelector("legend")),
    info: text(block.querySelector(".info")),
    ends: [...block.querySelectorAll(".slider_input_container span")].map(text),
    range: [min, max, step].map(Number), value: type === "checkbox" ? checked : value, text: input.placeholder,
    options: options.map((option) => [text(option.parentElement), option.value]),
    chosen: options.find(({ checked }) => checked)?.value,
  };
}"""


def test_each_control_of_gradios_page_is_a_form_element(plain):
    page = build_page(Models())
    components = {block.elem_id: block for block in page.blocks.values() if block.elem_id}
    described = [control for control in page.browser["controls"] if "id" in control]
    assert len(described) > 15
    for control in described:
        component, found = components[control["id"]], plain.evaluate(READ, control["id"])
        assert found["kind"] == control["kind"], control
        assert component.label in (found["label"], found["legend"])
        assert (component.info or "") in (found["info"], "", " … ".join(found["ends"]))
        if control["kind"] == "choice":
            assert found["options"] == [list(choice) for choice in component.choices]
            assert found["chosen"] == component.value
        elif control["kind"] == "slider":
            assert found["range"] == [component.minimum, component.maximum, component.step]
            assert float(found["value"]) == component.value
        elif control["kind"] == "check":
            assert found["value"] is component.value
        else:
            assert found["value"] == str(component.value)
            assert found["text"] == (getattr(component, "placeholder", None) or "")


def test_a_new_control_is_on_both_pages(monkeypatch):
    build = write.build

    def with_one_more():
        view = build()
        view.controls["speed"] = gr.Slider(1, 9, 5, step=2, label="Speed", info="slow … fast")
        return view

    monkeypatch.setattr(write, "build", with_one_more)
    page = build_page(Models(["mnist"]))
    assert "write-speed" in [control.get("id") for control in page.browser["controls"]]
    html = plain_html.render(page.children)
    assert '<label for="write-speed-input">Speed</label>' in html and "<span>slow</span>" in html
    with pytest.raises(TypeError, match="ColorPicker"):
        plain_html.render([gr.ColorPicker(render=False)])


@pytest.mark.parametrize("name", ["mnist-conditional", "mnist"])
def test_a_picture_differs_from_pytorchs_by_one_grey_level_at_most(plain, plain_url, name):
    images = plain.evaluate(
        "name => dcgan.sample({ model: name, seeds: [...Array(320).keys()] }).then(({ images }) => [...images])", name
    )
    found, exact = np.array(images).reshape(320, 28, 28), v.drawn(range(320), name=name).astype(int)
    assert np.abs(found - exact).max() == 1 and (found != exact).mean() < 0.01
    footer = plain.locator("footer").text_content()
    assert "1,127" in footer and "by 1 of 255 grey levels at most" in footer  # n = 320, of both pages' first model


LINKS = {
    "play": "?seed=5&digit=7&exact=true&hand=9&thickness=2.5&truncation=0.7",
    "write": "?tab=write&exact=true&text=1984&hand=77&variation=0.5",
}


@pytest.mark.parametrize("view", LINKS)
def test_a_link_shows_the_same_on_both_pages(open_plain, plain_url, open_page, page_url, view):
    pictures = []
    for opener, url in ((open_plain, plain_url), (open_page, page_url)):
        page = opener(url + ("" if url.endswith("/") else "/") + LINKS[view], reduced_motion="reduce")
        v.ready(page)
        assert v.selected_tabs(page) == [v.VIEWS[view]]
        glyphs = v.view_of(page, view).locator("svg.glyph:visible, .writing .glyph").all()
        pictures.append([v.pixels(glyph) for glyph in glyphs[:6]])
        state = page.evaluate("demo.state")
        pictures[-1].append(json.dumps({key: state[key] for key in sorted(state)}))
        assert page.url.endswith(LINKS[view])
    *here, state = pictures[0]
    *there, expected = pictures[1]
    assert state == expected and len(here) == len(there) > 0
    for mine, other in zip(here, there, strict=True):
        assert mine.any()
        v.assert_alike(mine, other)


def test_controls_change_what_is_shown_and_the_address(open_plain, plain_url):
    page = open_plain(plain_url)
    before = v.paths(v.view_of(page, "play"))
    page.get_by_label("Slant").fill("2")
    v.choose(page, "Digit", "7")
    page.wait_for_url("**slant=2*digit=7*")
    v.ready(page)
    assert v.paths(v.view_of(page, "play")) != before
    expect(page.get_by_label("Slant").locator("xpath=ancestor::div[@id='slant']//output")).to_have_text("2")
    v.open_view(page, "write")
    page.get_by_role("textbox", name="Write").fill("31.12\n1999")
    page.wait_for_url("**text=31.12*")
    page.reload()
    v.ready(page)
    assert page.locator("#write-text textarea").input_value() == "31.12\n1999"
    page.go_back()
    expect(page.get_by_role("tab", name="Play")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("Slant")).to_have_value("2")
    expect(page.locator("#view-play .wall[role=group]")).to_be_visible()  # the tab listens
    v.click(page, "Reset all sliders")
    expect(page.get_by_label("Slant")).to_have_value("0")
    expect(page.get_by_role("radio", name="7", exact=True)).to_be_checked()


def test_it_is_told_how_each_model_learned(open_plain, plain_url):
    page = open_plain(f"{plain_url}?tab=learned")
    expect(page.locator(".film .note")).to_contain_text("of 70")
    page.locator("summary", has_text="Numbers").click()
    v.expect_measures(page.locator("#numbers"), "mnist-conditional")
    expect(page.locator(".plots svg:visible")).to_have_count(3)
    assert page.locator(".film image").get_attribute("href").startswith("data:image/webp")
    v.choose(page, "Model", "was never told")
    epochs = len(read_history(v.model("mnist").folder))
    expect(page.locator(".film .note")).to_contain_text(f"of {epochs}")
    expect(page.locator(".story")).to_contain_text("Nobody told")


def test_a_morph_is_recorded_as_a_video(open_plain, plain_url):
    page = open_plain(f"{plain_url}?tab=morph&closed=true&steps=8&speed=14&keys=15+24")
    name, content = v.download(page, "Video")
    assert name.startswith("mnist-conditional_seed-15_to_seed-24")
    with av.open(BytesIO(content)) as video:
        frames = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]
    assert frames[0].shape == (480, 480) and len(frames) > 2  # a busy machine draws few
    assert frames[0].mean() > 150  # ink on paper
    assert np.abs(frames[0].astype(int) - frames[len(frames) // 2]).mean() > 5  # it moves


def walk(page: Page) -> None:
    """Use every tab."""
    for view in v.VIEWS:
        v.open_view(page, view)
    expect(page.locator(".film .note")).to_contain_text("epoch")
    v.open_view(page, "play")
    v.click(page, "What do the networks say?")
    expect(page.locator("#view-play .about")).to_contain_text("%")
    v.open_view(page, "draw")
    v.draw_seven(page)
    expect(page.locator("#view-draw .line")).to_contain_text("Reads as 7")


KEPT = """async () => {
  const found = {};
  for (const name of await caches.keys()) found[name] = (await (await caches.open(name)).keys()).length;
  const { active, installing, waiting } = (await navigator.serviceWorker.getRegistration()) ?? {};
  return [found, active?.state === "activated" && !installing && !waiting];
}"""


def wait_for_files(page: Page, other_than: str = "") -> str:
    """Wait until the browser keeps the page and three networks, and the newest worker is the one that answers.

    Return the name of the cache of the newest page.
    """
    for _ in range(100):
        kept, is_active = page.evaluate(KEPT)
        names = [name for name in kept if name.startswith("dcgan-page-") and kept[name] > 30]
        if is_active and names and len(names) <= 2 and names[-1] != other_than and kept.get("dcgan-weights") == 3:
            return names[-1]
        page.wait_for_timeout(200)
    raise AssertionError(kept)


def test_it_works_without_a_connection_and_a_new_deploy_replaces_the_old_one(browser, root, tmp_path):
    shutil.copytree(root, tmp_path / "host")
    with hosting(tmp_path / "host") as host, v.page_opener(browser, host.url) as open_page:
        url = f"{host.url}digits/"
        page = open_page(url, reduced_motion="reduce", offline_later=True)
        first = wait_for_files(page)
        page.context.set_offline(True)
        page.goto(f"{url}?hand=7")
        v.ready(page)
        walk(page)

        page.context.set_offline(False)
        shutil.rmtree(tmp_path / "host" / "digits")
        (tmp_path / "host" / "digits").mkdir()
        write_static(tmp_path / "host" / "digits", "mnist")
        page.goto(url)
        v.ready(page)
        assert page.evaluate("dcgan.models().map(({ name }) => name)") == ["mnist"]  # at once, not at the next visit
        second = wait_for_files(page, first)
        assert second != first
        page.context.set_offline(True)
        page.reload()
        v.ready(page)
        assert page.evaluate("dcgan.models()[0].name") == "mnist"


def test_only_the_pages_own_files_run_or_are_fetched(browser, plain_url):
    page = browser.new_page()  # not by `open_plain`, which refuses errors in the console
    page.goto(plain_url)
    blocked = page.evaluate(
        """async () => {
          const seen = [];
          addEventListener("securitypolicyviolation", ({ effectiveDirective }) => seen.push(effectiveDirective));
          document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = true" }));
          document.body.append(Object.assign(new Image(), { src: "https://example.org/x.png" }));
          await fetch("https://example.org/").catch(() => null);
          await new Promise((done) => setTimeout(done, 50));
          return [seen, window.ran ?? false];
        }"""
    )
    page.close()
    assert set(blocked[0]) == {"script-src-elem", "img-src", "connect-src"} and blocked[1] is False


@pytest.mark.parametrize("phone", [False, True])
def test_every_tab_fits_and_is_accessible(open_plain, plain_url, phone):
    page = open_plain(plain_url, phone=phone)
    for view in v.VIEWS:
        v.open_view(page, view)
        if view == "learned":
            page.locator("summary", has_text="Numbers").click()
        for mode, rules in (("dark", {"runOnly": ["color-contrast"]}), ("light", {})):
            page.emulate_media(color_scheme=mode)
            found = Axe().run(page, options={"resultTypes": ["violations"]} | rules).response["violations"]
            assert [(one["id"], one["nodes"][0]["target"]) for one in found] == [], (view, mode)
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
