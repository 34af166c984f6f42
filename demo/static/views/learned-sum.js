// The sum of handwritings in How it learned: the mean of A, less the mean of B, plus the mean of C (DCGAN paper, section
// 6.3.2). It begins as bold threes less thin threes plus thin eights, which is a bold eight.

import { digitWeights } from "../engine/config.js";
import dcgan from "../engine/index.js";
import { askedDigit, codeOf, parseKeys, pointOf, refuse } from "./fields.js";
import { button, drawSoon, fit, glyph, make } from "./glyphs.js";
import { newSeed, take } from "./hand.js";
import { add, vectorsOf } from "./page.js";

const MOST = 6; // hands in a tray
const SIGNS = { a: "", b: "−", c: "+" };
const DRAWN = 20, CHOSEN = 3; // hands from which a shuffle takes the boldest and the thinnest; how many of them
const NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

let view, trays, result, note;
let shown = null; // {network, model, sum} of the last drawing
let asked = false; // Shuffle was pressed, and the directions have not come yet

export function mount(element) {
  trays = {};
  const parts = Object.entries(SIGNS).flatMap(([name, text]) => {
    trays[name] = make("figure", { className: "tray" }, glyph("mean"), make("div", { className: "members" }));
    return [...(text ? [make("span", { className: "sign" }, text)] : []), trays[name]];
  });
  result = make("button", { type: "button", className: "result", title: "take this handwriting" }, glyph());
  note = make("p");
  const shuffle = button("Shuffle");
  element.querySelector(".frame").replaceChildren(
    make("div", { className: "sum" }, ...parts, make("span", { className: "sign" }, "="), result),
    make("div", { className: "below" }, note, shuffle),
  );
  result.addEventListener("click", () => shown && take(codeOf(shown.sum), { plain: true }));
  shuffle.addEventListener("click", () => shown && draw3(shown));
  view = { name: "learned", element, draw };
  add(view);
}

// Return the mean of points: of the latents, and of the digits' weights.
function meanOf(points) {
  const mean = (arrays) => arrays[0].map((_, i) => arrays.reduce((sum, array) => sum + array[i], 0) / arrays.length);
  return { latent: mean(points.map(({ latent }) => latent)), digits: points[0].digits && mean(points.map(({ digits }) => digits)) };
}

// Return a - b + c. The digits' weights that are left over 0 add up to 1; if there are none, they are a's.
function combine(a, b, c, asked, config) {
  const latent = dcgan.quantise(a.latent.map((value, i) => value - b.latent[i] + c.latent[i]));
  if (!a.digits || asked !== null) return { latent, digits: digitWeights(asked, config) };
  const weights = a.digits.map((value, i) => Math.max(0, value - b.digits[i] + c.digits[i]));
  const total = weights.reduce((sum, weight) => sum + weight);
  return { latent, digits: total > 0 ? weights.map((weight) => weight / Math.max(total, 1e-9)) : a.digits };
}

function draw({ network, model, values, exact }) {
  const { config } = network, filled = {}, means = {};
  for (const name of Object.keys(SIGNS)) {
    const keys = parseKeys(name, values[name], config);
    if (!(keys.length >= 1 && keys.length <= MOST)) refuse(name, `tray ${name.toUpperCase()} has ${keys.length} hands: it must have 1 to ${MOST}`);
    filled[name] = keys.map(([hand, digit]) => pointOf(name, hand, { model, digit }));
    means[name] = meanOf(filled[name]);
  }
  const sum = combine(means.a, means.b, means.c, askedDigit(values.digit, config), config);
  shown = { network, model, sum };
  for (const [name, tray] of Object.entries(trays)) {
    const [mean, members] = tray.children, label = `tray ${name.toUpperCase()}`;
    drawSoon(mean, network, means[name], { exact, label: `mean of ${label}`, rank: 1 });
    fit(members, filled[name].length, () => glyph()).forEach((svg, i) => drawSoon(svg, network, filled[name][i], { exact, label, rank: 1 }));
  }
  drawSoon(result.firstElementChild, network, sum, { exact, label: "A less B plus C: take this handwriting" });
  note.textContent = wordsOf(values, config);
  if (asked) draw3(shown);
}

// Say what is added, if it is a tray of bold ones and two of thin ones: of the page, or of a shuffle.
let made = Object.fromEntries(Object.keys(SIGNS).map((name) => [name, demo.page.controls.find(({ key }) => key === `learned.${name}`).value]));
function wordsOf(values, { num_classes: classes }) {
  if (!classes || Object.keys(SIGNS).some((name) => values[name] !== made[name])) return "A − B + C";
  const [one, other] = [values.a, values.c].map((text) => NAMES[text.match(/:(\d)/)[1]]);
  const many = (name) => (name === "six" ? "sixes" : name === "zero" ? "zeros" : `${name}s`);
  return `Bold ${many(one)} − thin ${many(one)} + thin ${many(other)} = a bold ${other}`;
}

// Draw other hands: the boldest of some for A, the thinnest for B and C.
function draw3({ network, model }) {
  const thickness = vectorsOf(model)?.[0]; // null until the server has told it: then the tab is drawn again
  asked = !thickness;
  if (asked) return;
  const { num_classes: classes } = network.config, one = Math.floor(Math.random() * 10), other = (one + 1 + Math.floor(Math.random() * 9)) % 10;
  const weigh = (seed) => dcgan.point(seed, { model }).latent.reduce((sum, value, i) => sum + value * thickness[i], 0);
  const seeds = Array.from({ length: DRAWN }, () => String(newSeed())).map((seed) => [weigh(seed), seed]).sort(([a], [b]) => a - b).map(([, seed]) => seed);
  const tray = (chosen, digit) => chosen.map((seed) => (classes ? `${seed}:${digit}` : seed)).join(" ");
  made = { a: tray(seeds.slice(-CHOSEN), one), b: tray(seeds.slice(0, CHOSEN), one), c: tray(seeds.slice(CHOSEN, 2 * CHOSEN), other) };
  demo.put(Object.fromEntries([...Object.entries(made).map(([name, text]) => [`learned.${name}`, text]), ["learned.digit", "any"]]));
}
