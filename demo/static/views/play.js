// The Play tab, for now the wall alone.
import { drawSoon, fit, glyph, make, Drawn } from "./glyphs.js";
import { askedDigit, MAX_SEED, pointOf, strongest, wholeNumber } from "./fields.js";
import { SHAPE, shaped, take } from "./hand.js";
import { add, modelOf } from "./page.js";
import { sheetOf } from "./save.js";

let view, wall, cells = [], shown = null;

export function mount(element, server) {
  wall = element.querySelector(".wall");
  view = { name: "play", element, server, uses: SHAPE, title: "The wall", draw, drawing };
  wall.addEventListener("click", (event) => {
    const { seed } = event.target.closest(".cell")?.dataset ?? {};
    if (seed) take(seed);
  });
  add(view);
}

function draw({ network, model, values, exact }) {
  const first = wholeNumber("seed", values.seed, 0, MAX_SEED), count = Math.min(values.count, MAX_SEED - first + 1);
  const digit = askedDigit(values.digit, network.config), { truncation } = demo.state;
  shown = { network, model, values };
  cells = Array.from({ length: count }, (_, i) => {
    const seed = String(first + i), point = pointOf("seed", seed, { model, digit, truncation });
    return { seed, point: { ...point, latent: shaped(point.latent, model) } };
  });
  fit(wall, count, () => make("button", { type: "button", className: "cell" }, glyph())).forEach((one, i) => {
    const { seed, point } = cells[i];
    one.dataset.seed = seed;
    one.ariaLabel = `a generated ${strongest(point) ?? "digit"}, seed ${seed}`;
    drawSoon(one.firstElementChild, network, point, { exact, rank: 1 });
  });
}

function drawing() {
  const { network, model, values } = shown;
  return sheetOf(`${modelOf(model).file}_seed-${values.seed}_count-${cells.length}`, cells.map(({ point }) => new Drawn(network, point)), 10);
}
