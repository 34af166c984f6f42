"""The engine's weights are fetched once and only from the page's host; its scheduler draws what matters first."""

import pytest
from playwright.sync_api import Error, Page

from dcgan.model_folder import BUNDLED

SAMPLE = "async (model) => Array.from((await dcgan.sample({ model, seeds: [1] })).images)"
KEPT = "async () => (await (await caches.open('dcgan-weights')).keys()).map(({ url }) => url.split('/').at(-1))"


def fetched(server) -> list[str]:
    paths = [path for path in server.requested if path.startswith("/weights")]
    server.requested.clear()
    return paths


def test_a_second_visit_fetches_no_weights(server, open_engine):
    first = open_engine()
    fetched(server)
    picture = first.evaluate(SAMPLE, "mnist")
    assert fetched(server) == ["/weights/mnist/generator"]  # neither the other model nor the other networks
    first.evaluate("() => dcgan.score({ model: 'mnist', seeds: [1] })")
    assert sorted(fetched(server)) == ["/weights/mnist/classifier", "/weights/mnist/discriminator"]
    second = open_engine(beside=first)
    assert second.evaluate(SAMPLE, "mnist") == picture
    second.evaluate("() => dcgan.score({ model: 'mnist', seeds: [1] })")
    assert fetched(server) == []


def test_a_network_is_fetched_once_however_often_it_is_asked_for(server, open_engine):
    page = open_engine()
    fetched(server)
    page.evaluate("() => Promise.all([1, 2, 3].map((seed) => dcgan.sample({ model: 'mnist', seeds: [seed] })))")
    assert fetched(server) == ["/weights/mnist/generator"]
    assert page.evaluate("() => dcgan.models().map(({ loaded }) => loaded)") == [False, True]


def test_a_refreshed_model_takes_the_place_of_the_old_one(server, open_engine):
    page = open_engine()
    before = page.evaluate(SAMPLE, "mnist")
    other, old = server.models
    new = server.publish(BUNDLED / "mnist-conditional", "newer") | {"name": "mnist"}
    server.models.pop()  # the other tests need no third model
    assert page.evaluate("(models) => dcgan.init({ models })", [other, new]) == ["mnist"]
    assert page.evaluate(SAMPLE, "mnist") != before
    kept = page.evaluate(KEPT)
    assert old["sha256"]["generator"] not in kept
    assert new["sha256"]["generator"] in kept


def test_weights_that_were_harmed_in_the_cache_are_fetched_again(server, open_engine):
    page = open_engine()
    before = page.evaluate(SAMPLE, "mnist")
    page.evaluate(
        """async () => {
          const cache = await caches.open("dcgan-weights");
          for (const request of await cache.keys()) await cache.put(request, new Response("harmed"));
        }"""
    )
    fetched(server)
    assert open_engine(beside=page).evaluate(SAMPLE, "mnist") == before
    assert fetched(server) == ["/weights/mnist/generator"]


@pytest.mark.parametrize(
    "before",
    [
        "Object.defineProperty(globalThis, 'caches', { value: undefined })",
        "CacheStorage.prototype.open = async () => { throw new DOMException('no', 'SecurityError'); }",
        "Cache.prototype.put = async () => { throw new DOMException('full', 'QuotaExceededError'); }",
    ],
)
def test_without_a_cache_the_weights_are_fetched(server, open_engine, before):
    page = open_engine(before=before)
    fetched(server)
    assert any(page.evaluate(SAMPLE, "mnist"))
    assert fetched(server) == ["/weights/mnist/generator"]


def refused(page: Page) -> str:
    with pytest.raises(Error) as caught:
        page.evaluate(SAMPLE, "mnist")
    return caught.value.message


def test_after_a_failure_the_next_call_tries_again(server, open_engine):
    page = open_engine()
    content = server.files.pop("/weights/mnist/generator")
    try:
        assert "the weights could not be fetched: the server answered 404" in refused(page)
        server.files["/weights/mnist/generator"] = content[:-4] + b"1234"
        assert "the weights are not what they should be: their hash is another, try again" in refused(page)
    finally:
        server.files["/weights/mnist/generator"] = content
    page.context.set_offline(True)
    assert "the weights could not be fetched: check the connection and try again" in refused(page)
    page.context.set_offline(False)
    assert any(page.evaluate(SAMPLE, "mnist"))


def test_weights_never_come_from_another_host(server, open_engine):
    page = open_engine([server.models[1] | {"generatorUrl": "https://example.org/model.safetensors"}])
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    assert "the weights are on another host: example.org" in refused(page)
    assert requests == []


# The scheduler: each test makes its own, in one page.
BOXES = """
  const { Scheduler } = await import("/engine/scheduler.js");
  document.body.replaceChildren(...[0, 1, 2, 3].map((i) => Object.assign(document.createElement("div"),
    { style: `position: fixed; left: ${i * 200}px; top: 0; width: 50px; height: 50px` })));
  const boxes = [...document.body.children], drawn = [];
  const busy = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
"""


def run(page: Page, script: str):
    return page.evaluate(f"async () => {{ {BOXES} {script} }}")


def test_what_is_near_the_pointer_is_drawn_first(engine):
    assert run(
        engine,
        """
        const scheduler = new Scheduler();
        dispatchEvent(new PointerEvent("pointermove", { clientX: 410, clientY: 20 }));
        boxes.forEach((element, i) => scheduler.request(i, () => drawn.push(i), { element }));
        scheduler.request("large", () => drawn.push("large"), { element: boxes[0], rank: -1 });
        await scheduler.settled();
        return drawn;
        """,
    ) == ["large", 2, 1, 3, 0]


def test_a_frame_draws_for_its_budget_and_the_next_goes_on(engine):
    frames = run(
        engine,
        """
        const scheduler = new Scheduler({ budget: 8 });
        let frame = 0;
        const count = () => { frame++; requestAnimationFrame(count); };
        requestAnimationFrame(count);
        for (let i = 0; i < 12; i++) scheduler.request(i, () => { busy(3); drawn.push(frame); });
        await scheduler.settled();
        return drawn;
        """,
    )
    assert len(frames) == 12
    assert max(frames.count(frame) for frame in set(frames)) <= 3


def test_a_view_that_took_long_to_plan_still_draws_its_first_picture_in_the_same_event(engine):
    assert run(
        engine,
        """
        const scheduler = new Scheduler({ budget: 8 });
        await new Promise((done) => setTimeout(done, 20));
        const picture = (name, rank) => scheduler.request(name, () => { busy(3); drawn.push(name); }, { rank });
        const plan = () => { busy(10); picture("first", -1); picture("second", -1); };
        scheduler.request("view", plan, { rank: -3, plans: true });
        picture("other", -2);
        picture("last", 1);
        scheduler.hurry();
        const atOnce = [...drawn];
        await scheduler.settled();
        return [atOnce, drawn];
        """,
    ) == [["other"], ["other", "first", "second", "last"]]


def test_a_job_that_is_in_a_hurry_ends_before_the_next(engine):
    assert run(
        engine,
        """
        const scheduler = new Scheduler();
        scheduler.request("view", () => {
          drawn.push("begins");
          scheduler.request("picture", () => drawn.push("picture"));
          scheduler.hurry();
          drawn.push("ends");
        }, { plans: true });
        scheduler.hurry();
        return drawn;
        """,
    ) == ["begins", "ends", "picture"]


def test_a_newer_job_replaces_the_older_and_a_cancelled_one_is_dropped(engine):
    assert run(
        engine,
        """
        const scheduler = new Scheduler();
        for (let i = 0; i < 5; i++) scheduler.request("digit", () => drawn.push(i));
        scheduler.request("gone", () => drawn.push("gone"));
        scheduler.cancel("gone");
        await scheduler.settled();
        return [drawn, scheduler.size];
        """,
    ) == [[4], 0]


def test_one_broken_drawing_does_not_stop_the_others(engine):
    assert run(
        engine,
        """
        const scheduler = new Scheduler(), errors = [];
        addEventListener("error", (event) => { errors.push(event.message); event.preventDefault(); }, { once: true });
        scheduler.request(1, () => { throw new Error("broken"); });
        scheduler.request(2, () => drawn.push(2));
        await scheduler.settled();
        return [drawn, errors.length];
        """,
    ) == [[2], 1]


def test_nothing_runs_while_the_page_is_hidden(engine):
    assert run(
        engine,
        """
        const scheduler = new Scheduler(), frames = async () => {
          for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
        };
        let hidden = true;
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        scheduler.request(1, () => drawn.push(1));
        await frames();
        const before = [...drawn];
        hidden = false;
        document.dispatchEvent(new Event("visibilitychange"));
        await scheduler.settled();
        delete document.hidden;
        return [before, drawn];
        """,
    ) == [[], [1]]
