// The wall of the Play tab: digits of consecutive seeds, each a button that takes the handwriting.

import dcgan from "../engine/index.js";
import { askedDigit, MAX_SEED, pointOf, strongest, wholeNumber } from "./fields.js";
import { button, Drawn, drawSoon, fit, glyph, make, rove } from "./glyphs.js";
import { SHAPE, shaped, take } from "./hand.js";
import { modelOf, redraw, vectorsOf } from "./page.js";
import { judgeOf, scoresOf } from "./play-judge.js";
import { greet, leaned, stop, watchPointer } from "./play-lean.js";
import { sheetOf, toPixels } from "./save.js";

const ORDERS = { // by which score, and the sign of the order
  "most convincing first": ["realness", -1], "least convincing first": ["realness", 1], "hardest to read first": ["confidence", 1],
};
const MOST = 100, BELOW = 110; // digits; pixels of the first screen that are left for what stands below the wall

let wall, next;
let cells = []; // {seed, point, key}, in the order of the wall
let shown = null; // {network, model, values, exact} of the last drawing
let greeted = false;
const cellOf = new WeakMap(); // element: its cell
const drawnAs = new WeakMap(); // element: what was asked to be drawn in it

export function mountWall(element) {
  wall = element;
  wall.role = "group";
  wall.ariaLabel = "the wall: arrow keys go from digit to digit, Enter takes the handwriting";
  next = button("", {}, "next");
  wall.after(next);
  const { controls, begin } = demo.page;
  const changed = controls.some(({ key, value }) => key !== "hand" && demo.state[key] !== (begin[key] ?? value));
  if (changed) wall.replaceChildren(); // the server's digits are of the page as it begins
  wall.addEventListener("click", ({ target }) => {
    const { seed } = target.closest(".cell")?.dataset ?? {};
    if (seed && seed !== demo.state.hand) take(seed);
  });
  wall.addEventListener("keydown", walk);
  wall.addEventListener("focusin", ({ target }) => target.matches(".cell") && rove(wall.children, target));
  next.addEventListener("click", () => demo.put({ "play.seed": demo.state["play.seed"] + cells.length }));
  watchPointer(wall, paint);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's browser hides its bars
    width = innerWidth;
    room = null;
    redraw();
  });
}

// The digits settle when another tab is opened.
export const rest = stop;

// --- how many ---

let room = null; // {columns, count}: how many digits fit on the first screen in whole rows

const columnsNow = () => getComputedStyle(wall).gridTemplateColumns.split(" ").length;

// Return how many digits to show. The usual number means: that many at least, and as many as the screen has room for.
function countOf({ count }) {
  if (count !== demo.page.controls.find(({ key }) => key === "play.count").value) return count;
  const columns = columnsNow();
  if (room?.columns === columns) return room.count;
  const top = wall.getBoundingClientRect().top + scrollY, side = wall.clientWidth / columns;
  const rows = Math.max(Math.ceil(count / columns), Math.floor((innerHeight - top - BELOW) / side));
  room = { columns, count: columns * Math.min(rows, Math.floor(MOST / columns)) };
  return room.count;
}

// --- drawing ---

export function drawWall({ network, model, values, exact }) {
  const first = wholeNumber("seed", values.seed, 0, MAX_SEED), count = Math.min(countOf(values), MAX_SEED - first + 1);
  const digit = askedDigit(values.digit, network.config), { truncation } = demo.state;
  const moved = Boolean(vectorsOf(model)); // asked for now, so that no slider has to wait
  const how = [modelOf(model).sha256.generator, network.exact, digit, moved, ...SHAPE.map((key) => demo.state[key])].join(" ");
  shown = { network, model, values, exact };
  cells = Array.from({ length: count }, (_, i) => {
    const seed = String(first + i), point = pointOf("seed", seed, { model, digit, truncation });
    return { seed, point: { ...point, latent: shaped(point.latent, model) }, key: `${seed} ${how}` };
  });
  if (ORDERS[values.order]) sort(...ORDERS[values.order]);
  const elements = fit(wall, count, () => make("button", { type: "button", className: "cell" }, glyph()));
  elements.forEach((element, i) => show(element, cells[i]));
  const inside = elements.find((element) => element === document.activeElement);
  rove(elements, inside ?? elements.find(({ ariaPressed }) => ariaPressed === "true") ?? elements[0]);
  next.textContent = `The next ${count}`;
  next.disabled = first + 2 * count > MAX_SEED + 1;
  if (!greeted && network.exact) {
    greeted = true;
    dcgan.scheduler.settled().then(greet);
  }
}

function show(element, cell) {
  const { seed, point, key } = cell, wanted = `${key} ${shown.exact}`;
  element.dataset.seed = seed;
  element.ariaLabel = `a generated ${strongest(point) ?? "digit"}, seed ${seed}`;
  element.ariaPressed = String(seed === String(demo.state.hand).trim());
  cellOf.set(element, cell);
  if (drawnAs.get(element) === wanted) return;
  drawnAs.set(element, wanted);
  paint(element);
}

// Ask for the digit of an element, as the pointer has moved it.
function paint(element) {
  const cell = cellOf.get(element);
  if (!cell) return; // the server's, until the network is there
  const { network, model, exact } = shown, latent = leaned(element, cell.point.latent, model);
  drawSoon(element.firstElementChild, network, { ...cell.point, latent }, { exact, rank: 1 });
}

// --- order ---

const scores = new Map(); // key of a cell: what the two networks say of it
let sorted = []; // seeds, as they were sorted last

// Sort the cells by a score. Those that were not judged yet are judged in the next frames, then it is sorted again.
function sort(score, sign) {
  const judge = askJudge(), mine = cells, { network } = shown, waiting = cells.filter(({ key }) => !scores.has(key));
  if (!waiting.length) {
    cells.sort((a, b) => sign * (scores.get(a.key)[score] - scores.get(b.key)[score]));
    sorted = cells.map(({ seed }) => seed);
    return;
  }
  const place = new Map(sorted.map((seed, i) => [seed, i]));
  cells.sort((a, b) => (place.get(a.seed) ?? 0) - (place.get(b.seed) ?? 0)); // as before, until all are judged
  if (!judge) return;
  if (scores.size > 20 * MOST) scores.clear();
  let left = waiting.length;
  waiting.forEach(({ key, point }, i) => dcgan.scheduler.request(`score ${i}`, () => {
    if (cells !== mine) return; // the wall has changed
    scores.set(key, scoresOf(judge, network, point));
    if (--left === 0) redraw();
  }, { rank: 2 }));
}

function askJudge() {
  try {
    return judgeOf(shown.model);
  } catch (error) {
    error.field ??= "order";
    throw error;
  }
}

// --- keyboard ---

function walk(event) {
  const all = [...wall.children], at = all.indexOf(document.activeElement), columns = columnsNow();
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  const to = { Home: 0, End: all.length - 1 }[event.key] ?? at + step;
  if (at < 0 || Number.isNaN(to)) return;
  event.preventDefault();
  all[to]?.focus({ focusVisible: true });
}

// --- saving ---

function nameOf() {
  const { model, values, network } = shown, { truncation } = demo.state;
  const parts = [modelOf(model).file, `seed-${values.seed}`, `count-${cells.length}`];
  if (askedDigit(values.digit, network.config) !== null) parts.push(`digit-${values.digit}`);
  if (truncation < 1) parts.push(`truncation-${truncation}`);
  return parts.join("_");
}

const drawn = ({ point }) => new Drawn(shown.network, point);

export function wallDrawing() {
  if (!shown) return null;
  const seeds = cells.map(({ seed, point }) => (point.digits ? `${seed} (${strongest(point)})` : seed));
  return { ...sheetOf(nameOf(), cells.map(drawn), columnsNow()), title: `seeds ${seeds.join(", ")} of ${modelOf(shown.model).name}` };
}

// Return a ZIP of the exact pixels of all digits, and a table of what they are.
export async function zip() {
  const { network, model } = shown, { commit } = modelOf(model);
  const [judge, { zipOf }] = await Promise.all([dcgan.loadScores(model), import("./play-zip.js")]);
  const sliders = SHAPE.filter((key) => key !== "truncation" && demo.state[key] !== 0);
  const files = {}, rows = [];
  for (const cell of [...cells].sort((a, b) => a.seed - b.seed)) {
    const digit = strongest(cell.point), scores = scoresOf(judge, network, cell.point);
    const file = `seed-${cell.seed.padStart(10, "0")}${digit === null ? "" : `-digit-${digit}`}.png`;
    files[file] = await toPixels(sheetOf(file, [drawn(cell)], 1, 0));
    rows.push({
      file, seed: cell.seed, digit: digit ?? "", read: scores.digit, confidence: scores.confidence.toFixed(4),
      realness: scores.realness.toFixed(4), truncation: demo.state.truncation, model, commit: commit ?? "",
      ...Object.fromEntries(sliders.map((key) => [key, demo.state[key]])),
    });
  }
  const table = [Object.keys(rows[0]), ...rows.map(Object.values)].map((row) => `${row.map(quoted).join(",")}\n`);
  return { name: `${nameOf()}.zip`, content: await zipOf({ ...files, "digits.csv": table.join("") }) };
}

// Return a value of a table; quotation marks are around what needs them.
const quoted = (value) => (/[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);
