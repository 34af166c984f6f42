"""state.js: what a link gives a control, and what it does not."""

import pytest

from demo.parts.controls import static

CONTROLS = {
    "model": {"kind": "choice", "value": "a", "choices": ["a", "b"]},
    "exact": {"kind": "check", "value": False},
    "write.text": {"kind": "text", "value": "2026"},
    "write.seed": {"kind": "number", "value": 0},
    "write.share": {"kind": "slider", "value": 1, "minimum": 0.1, "maximum": 1, "step": 0.05},
    "write.count": {"kind": "slider", "value": 40, "minimum": 1, "maximum": 100, "step": 1},
}
PAGE = {
    "controls": [{"key": key, "id": key.replace(".", "-")} | rest for key, rest in CONTROLS.items()],
    "shared": ["model", "exact"],
    "views": [{"name": "write", "keys": [key for key in CONTROLS if key.startswith("write.")]}],
    "tabs": "tabs",
    "old": {"scribe": {"tab": "write", "values": {"write.count": 3}, "names": {"line": "text"}}},
    "modules": [],
    "version": "0",
}


@pytest.fixture(scope="module")
def state_of(browser, server):
    """Return a function: the state and the wrong values of a query."""
    page = browser.new_page()
    page.goto(server.url)
    script = """([page, script, query, history]) => {
      window.history.replaceState(history, "", location.pathname + query);
      window.demo = { page };
      (0, eval)(script);
      return [demo.state, demo.wrong];
    }"""

    def state_of(query: str, history: dict | None = None) -> tuple[dict, list[str]]:
        return tuple(page.evaluate(script, [PAGE, static("state.js"), query, history]))

    yield state_of
    page.close()


TAKEN = {
    "exact=true": ("exact", True),
    "model=b": ("model", "b"),
    "seed=42": ("write.seed", 42),
    "seed=-1": ("write.seed", -1),  # refused when it is drawn, under its field
    "count=7.4": ("write.count", 7),
    "share=0.52": ("write.share", 0.52),  # as a visitor can type it
    "text=15+24:7": ("write.text", "15 24:7"),
}
REFUSED = ["exact=yes", "model=c", "model=constructor", "seed=4.5", "seed=" + "9" * 20, "count=101", "count=nan"]
REFUSED += ["share=much", "share=", "share=0", "text=" + "1" * 4097, "tab=nowhere"]


@pytest.mark.parametrize("query", TAKEN)
def test_a_link_gives_a_control_a_value_that_it_can_have(state_of, query):
    key, value = TAKEN[query]
    state, wrong = state_of(f"?tab=write&{query}&size=4")  # `size` was a control once
    assert state[key] == value and type(state[key]) is type(value)
    assert wrong == []


@pytest.mark.parametrize("query", REFUSED)
def test_a_link_gives_a_control_nothing_else(state_of, query):
    before, _ = state_of("")
    state, wrong = state_of(f"?{query}")
    assert state == before
    assert len(wrong) == 1 and query.startswith(wrong[0])


def test_a_link_to_a_tab_that_is_gone_means_what_it_meant(state_of):
    state, wrong = state_of("?tab=scribe&line=1999&seed=8")
    assert (state["tab"], state["write.text"], state["write.seed"], state["write.count"]) == ("write", "1999", 8, 3)
    assert wrong == [] and state_of("?tab=scribe&count=9")[0]["write.count"] == 9
    assert state_of("?tab=constructor")[1] == ["tab=constructor"]


def test_what_the_history_kept_is_checked_like_a_link(state_of):
    kept = {"tab": "write", "write.seed": 7, "write.count": 1000, "write.text": "1", "other": 5}
    state, _ = state_of("?seed=1", {"demo": kept})
    assert (state["write.seed"], state["write.count"], state["write.text"]) == (7, 40, "1")
    assert "other" not in state
