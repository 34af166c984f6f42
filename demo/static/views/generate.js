// The Generate tab: a sheet of digits. The server sent the first one; a click shows a digit large.

import dcgan from "../engine/index.js";
import { askedDigit, MAX_SEED, pointOf, strongest, wholeNumber } from "./fields.js";
import { drawSoon, fit, glyph, judgement, make, setFacts } from "./glyphs.js";
import { add, modelOf, redraw, saveButtons, sendButtons } from "./page.js";
import { sheetOf } from "./save.js";

const SIGN = { "most convincing first": -1, "least convincing first": 1 }; // of the order by realness
const COLUMNS = 10;
const scores = new Map(); // "weights seed digit truncation": {digit, confidence, realness}
const judges = new Map(); // by a generator's hash: a function, null while it loads, an error

let view, sheet, dialog;
let cells = []; // {seed, point, key, drawn}, in the order of the sheet
let shown = {}; // {network, model, values, exact, hash} of the last drawing

export function mount(element, server) {
  sheet = element.querySelector(".sheet");
  dialog = dialogOf();
  sheet.after(saveButtons({ zip: "28×28 pixels of all, with a table (ZIP)" }), dialog);
  view = { name: "generate", element, server, draw, drawing, request, leave: () => dialog.close() };
  const changed = demo.page.controls.some(({ key, value }) => key !== "generate.open" && demo.state[key] !== value);
  if (changed) sheet.replaceChildren(); // the server's sheet is of the page as it begins
  sheet.addEventListener("click", (event) => {
    const seed = event.target.closest(".pick")?.dataset.seed;
    if (seed) cells.length ? open(seed) : demo.set("generate.open", seed);
  });
  add(view);
}

function draw({ network, model, values, exact }) {
  const first = wholeNumber("seed", values.seed, 0, MAX_SEED), count = Math.min(values.count, MAX_SEED - first + 1);
  const digit = askedDigit(values.digit, network.config), { truncation } = values;
  const hash = modelOf(model).sha256.generator;
  shown = { network, model, values, exact, hash };
  cells = Array.from({ length: count }, (_, i) => {
    const seed = String(first + i), point = pointOf("seed", seed, { model, digit, truncation });
    return { seed, point, key: [hash, network.exact, seed, digit, truncation].join(" ") };
  });
  const sign = SIGN[values.order];
  if (sign) sort(sign);
  fit(sheet, count, figure).forEach((element, i) => show(cells[i], element));
  if (values.open !== (dialog.open ? dialog.dataset.seed : "")) open(values.open);
  else if (dialog.open) look(cells.find(({ seed }) => seed === values.open));
}

function figure() {
  const pick = make("button", { type: "button", className: "pick" }, glyph());
  return make("figure", {}, pick, make("figcaption"));
}

function show(cell, element) {
  const { network, exact } = shown, digit = strongest(cell.point);
  element.querySelector(".pick").dataset.seed = element.querySelector("figcaption").textContent = cell.seed;
  const label = `a generated ${digit ?? "digit"}, seed ${cell.seed}`;
  drawSoon(element.querySelector(".glyph"), network, cell.point, { exact, label, rank: 1, then: (drawn) => (cell.drawn = drawn) });
}

// --- what the networks think of a digit ---

// Return the function that judges this model's pictures, or null while it loads; then the tab is drawn again.
function judge() {
  const { hash, model } = shown, found = judges.get(hash);
  if (found instanceof Error) {
    judges.delete(hash); // the next drawing tries again
    throw new dcgan.InputError(found.message);
  }
  if (found === undefined) {
    judges.set(hash, null);
    dcgan.loadScores(model).catch((error) => error).then((loaded) => {
      judges.set(hash, loaded);
      redraw();
    });
  }
  return found ?? null;
}

function score({ key, point }, judging) {
  if (!scores.has(key)) scores.set(key, judging(shown.network.draw(point), point.digits));
  return scores.get(key);
}

// Sort the cells by realness. Those that were not judged yet are judged in the next frames, then it is sorted again.
function sort(sign) {
  const judging = judge(), waiting = cells.filter(({ key }) => !scores.has(key));
  if (!judging) return;
  if (!waiting.length) {
    cells.sort((a, b) => sign * (scores.get(a.key).realness - scores.get(b.key).realness));
    return;
  }
  const { hash } = shown;
  let left = waiting.length;
  for (const cell of waiting) {
    dcgan.scheduler.request(`score ${cell.key}`, () => {
      if (hash === shown.hash) score(cell, judging);
      if (--left === 0) redraw();
    }, { rank: 2 });
  }
}

// --- one digit, large ---

function dialogOf() {
  const step = (by, label, text) => {
    const button = make("button", { type: "button", ariaLabel: label, textContent: text });
    button.addEventListener("click", () => move(by));
    return button;
  };
  const buttons = sendButtons();
  buttons.prepend(step(-1, "previous digit", "←"), step(1, "next digit", "→"));
  const close = make("button", { className: "close", ariaLabel: "close", textContent: "×" });
  const element = make(
    "dialog", { className: "inspector", ariaLabel: "one digit" },
    make("form", { method: "dialog" }, close),
    make("div", { className: "large", dataset: { hand: "", digit: "" } }, glyph("big"), make("dl"), buttons, one()),
  );
  element.addEventListener("close", () => demo.set("generate.open", ""));
  element.addEventListener("click", (event) => {
    // A click on the backdrop, or on a button that leaves the tab.
    if (event.target === element || event.target.closest("[data-send]")) element.close();
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  });
  return element;
}

function one() {
  const buttons = saveButtons();
  buttons.querySelector("span").textContent = "Save this digit as";
  return buttons;
}

function move(by) {
  const at = cells.findIndex(({ seed }) => seed === dialog.dataset.seed);
  open(cells.at((at + by) % cells.length).seed);
}

// Show the digit of a seed large. Without one the dialog closes.
function open(seed) {
  const cell = cells.find((one) => one.seed === seed);
  demo.set("generate.open", cell ? seed : "");
  if (!cell) return dialog.open && dialog.close();
  dialog.dataset.seed = seed;
  if (!dialog.open) dialog.showModal();
  look(cell);
}

function look(cell) {
  if (!cell) return;
  const large = dialog.querySelector(".large"), digit = strongest(cell.point);
  Object.assign(large.dataset, { hand: cell.seed, digit: digit ?? "" });
  drawSoon(large.querySelector(".glyph"), shown.network, cell.point, {
    exact: shown.exact, label: `a generated ${digit ?? "digit"}, seed ${cell.seed}`, rank: -1,
  });
  let judging = null, told = "…";
  try {
    judging = judge();
  } catch ({ message }) {
    told = message;
  }
  const asked = digit === null ? [] : [["asked for", `a ${digit}`]];
  const scores = judging && score(cell, judging);
  setFacts(large.querySelector("dl"), [["seed", cell.seed], ...asked, ...judgement(scores, told)]);
}

// --- saving ---

function request() {
  const { values: { seed, digit, truncation }, network: { config } } = shown;
  return { seed, count: cells.length, digit: askedDigit(digit, config) === null ? "any" : digit, truncation };
}

function drawing() {
  const { network, model, values } = shown;
  if (dialog.open) {
    const cell = cells.find(({ seed }) => seed === dialog.dataset.seed), digit = strongest(cell.point);
    const name = `${modelOf(model).file}_seed-${cell.seed}${digit === null ? "" : `_digit-${digit}`}`;
    return sheetOf(name, [cell.drawn], 1, 0);
  }
  const parts = [modelOf(model).file, `seed-${values.seed}`, `count-${cells.length}`];
  if (askedDigit(values.digit, network.config) !== null) parts.push(`digit-${values.digit}`);
  if (values.truncation < 1) parts.push(`truncation-${values.truncation}`);
  return sheetOf(parts.join("_"), cells.map(({ drawn }) => drawn), COLUMNS);
}
