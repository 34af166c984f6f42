// The Write tab: numbers in one hand. The digits are the network's, the signs between them are lines.
// dcgan/latents/handwriting.py writes the same, with the same variations.

import { digitWeights } from "../engine/config.js";
import dcgan from "../engine/index.js";
import { latentFromSeed } from "../engine/random.js";
import { MAX_SEED, pointOf, refuse, wholeNumber } from "./fields.js";
import { Drawn, drawSoon, fit, glyph, make, setGlyph, shape } from "./glyphs.js";
import { HAND, handOf, take } from "./hand.js";
import { add, modelOf } from "./page.js";
import { strokeOf } from "./save.js";

const SIGNS = { // lines of each sign, as points [x, y] on a line 28 pixels high
  "-": [[[1, 14], [9, 14]]], ".": [[[1, 22]]], ",": [[[2, 22], [0, 26]]], ":": [[[1, 11]], [[1, 20]]], "/": [[[9, 4], [0, 25]]],
};
const SPACE = 12, LINE = 28, PITCH = 30, MARGIN = 6; // pixels
const MOST_CHARACTERS = 200, MOST_LINES = 12, HANDS = 10;
const INK = 32; // of 255: what counts as a digit's side
const WORK = 6; // milliseconds of one frame
const VARIATIONS = 2 ** 31; // the seed of the first digit's variation

let view, writing, hands;
let digits = []; // {digit, drawn} in the order of the text
let drawnFor = ""; // what `digits` belongs to
let laid = null; // the drawing that is shown
let shown = null; // {network, model, values, exact, lines, latent} of the last drawing

export function mount(element, server) {
  writing = shape("svg", { role: "img" });
  hands = make("div", { className: "hands", role: "group", ariaLabel: "hands to choose from" });
  element.querySelector(".frame").append(
    make(
      "div", { className: "with-digits" }, make("div", { className: "writing" }, writing),
      make("p", { className: "note" }, "One seed, one handwriting. Pick another hand:"), hands,
    ),
  );
  hands.addEventListener("click", (event) => {
    const hand = event.target.closest(".hand")?.dataset.hand;
    if (hand) take(hand, { plain: true });
  });
  view = { name: "write", element, server, uses: HAND, title: "The writing", draw, drawing: () => laid };
  add(view);
}

function draw({ network, model, values, exact }) {
  if (!network.config.num_classes) return; // the page says why
  const { hand, point, text: code } = handOf(model), text = values.text ?? "";
  values = { ...values, hand };
  const first = wholeNumber("first", values.first, 0, MAX_SEED - HANDS + 1);
  const lines = text.slice(0, MOST_CHARACTERS).replaceAll("\r", "").trimEnd().split("\n").slice(0, MOST_LINES);
  const belongs = JSON.stringify([modelOf(model).sha256.generator, network.exact, code, values.variation]);
  if (drawnFor !== belongs) digits = [];
  drawnFor = belongs;
  const wanted = [...lines.join("")].filter(isDigit).map(Number);
  digits.length = Math.min(digits.length, wanted.length);
  wanted.forEach((digit, i) => { if (digits[i]?.digit !== digit) digits[i] = { digit, drawn: null }; });
  shown = { network, model, values, exact, lines, latent: point.latent };
  dcgan.scheduler.request("writing", write);
  drawHands(first);
  checkText(text, lines);
}

const isDigit = (character) => character >= "0" && character <= "9";

function checkText(text, lines) {
  if (text.length > MOST_CHARACTERS || text.trimEnd().split("\n").length > MOST_LINES) {
    refuse("text", `the text is too long: at most ${MOST_CHARACTERS} characters in ${MOST_LINES} lines`);
  }
  const unknown = new Set([...lines.join("")].filter((one) => !isDigit(one) && one !== " " && !(one in SIGNS)));
  if (unknown.size) {
    const named = [...unknown].slice(0, 5).map((one) => `'${one}'`).join(" ");
    refuse("text", `${named} cannot be written: use digits, spaces, line breaks and ${Object.keys(SIGNS).join(" ")}`);
  }
  if (!digits.length) refuse("text", "the text has no digit: type some, for example 2026");
}

// Draw the digits that are missing, for a few milliseconds of this frame, then lay all of them out.
function write() {
  const { network, values, latent } = shown, end = performance.now() + WORK;
  for (const [i, one] of digits.entries()) {
    if (one.drawn) continue;
    const varied = variationOf(latent, i, values.variation);
    one.drawn = new Drawn(network, { latent: varied, digits: digitWeights(one.digit, network.config) });
    if (performance.now() > end) return dcgan.scheduler.request("writing", write);
  }
  lay();
}

// Return the latent of the digit at a place in the text: a hand never writes a digit twice alike.
function variationOf(latent, place, variation) {
  const noise = latentFromSeed(VARIATIONS + place, latent.length).latent, kept = Math.sqrt(1 - variation ** 2);
  return latent.map((value, i) => kept * value + variation * noise[i]);
}

// Return the first column with ink, and the one after the last.
function sides(pixels) {
  const columns = pixels.reduce((found, level, i) => (level >= INK ? found.add(i % LINE) : found), new Set());
  return columns.size ? [Math.min(...columns), Math.max(...columns) + 1] : [0, LINE];
}

// Return twice the area of the ink over the length of its outline, in pixels.
function thickness(pixels) {
  let area = 0, outline = 0;
  for (let i = 0; i < pixels.length; i++) {
    const below = i + LINE < pixels.length ? pixels[i + LINE] : 0, right = (i + 1) % LINE ? pixels[i + 1] : 0;
    area += pixels[i];
    outline += Math.hypot(below - pixels[i], right - pixels[i]);
  }
  return (2 * area) / Math.max(outline, 1e-9);
}

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b), middle = sorted.length / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
};

// Place the digits and signs, and show them.
function lay() {
  const { values, lines, exact, model } = shown;
  const pen = digits.length ? Math.min(5, Math.max(1.5, median(digits.map(({ drawn }) => thickness(drawn.pixels))))) : 2;
  const glyphs = [], strokes = [];
  let next = 0, width = 1;
  lines.forEach((line, row) => {
    const top = MARGIN + row * PITCH;
    let x = MARGIN;
    for (const character of line) {
      if (character === " ") {
        x += SPACE;
        continue;
      }
      let wide;
      if (isDigit(character)) {
        const { drawn } = digits[next++], [left, right] = sides(drawn.pixels);
        const pixels = drawn.pixels.map((level, i) => (i % LINE >= left && i % LINE < right ? level : 0));
        glyphs.push({ x: x - left, y: top, ink: drawn.ink, pixels });
        wide = right - left;
      } else if (character in SIGNS) {
        const across = SIGNS[character].flat().map(([a]) => a), left = Math.min(...across);
        const exact = Math.max(...across) + pen + 1, whole = Math.round(exact); // pixels, as Python rounds them
        const at = (a) => x - left + ((a + pen / 2 + 0.5) * whole) / exact;
        for (const points of SIGNS[character]) strokes.push({ points: points.map(([a, b]) => [at(a), top + b]), width: pen });
        wide = whole - left;
      } else {
        continue;
      }
      width = Math.max(width, x + wide - MARGIN);
      x += wide + values.spacing;
    }
  });
  const seen = shown.values.text.trim().replace(/\s+/g, " "), hand = String(values.hand).trim().slice(0, 12);
  const name = `${seen.replace(/[^0-9]/g, "-").slice(0, 40)}_hand-${hand}`;
  laid = {
    name, title: `${seen}, written by hand ${hand} of ${modelOf(model).name}`, glyphs, lines: strokes,
    width: width + 2 * MARGIN, height: 2 * MARGIN + PITCH * lines.length - 2,
  };
  writing.setAttribute("viewBox", `0 0 ${laid.width} ${laid.height}`);
  writing.style.setProperty("--wide", laid.width);
  writing.setAttribute("aria-label", `${seen}, written by hand ${hand}`);
  writing.replaceChildren(...glyphs.map(({ x, y, ...digit }) => {
    const nested = shape("svg", { x, y, width: LINE, height: LINE, viewBox: dcgan.VIEW_BOX, overflow: "visible" });
    setGlyph(nested, digit, exact);
    return nested;
  }), ...strokes.map(strokeOf));
}

// Draw ten hands to choose from, each with the digits 0 to 9.
function drawHands(first) {
  const { network, model, values, exact } = shown, chosen = String(values.hand).trim();
  const belongs = JSON.stringify([modelOf(model).sha256.generator, network.exact, first, exact]);
  const rows = fit(hands, HANDS, () => {
    const digits = Array.from({ length: 10 }, () => glyph());
    return make("button", { type: "button", className: "hand" }, make("span"), ...digits);
  });
  rows.forEach((row, i) => row.setAttribute("aria-pressed", String(String(first + i) === chosen)));
  if (hands.dataset.shown === belongs) return;
  hands.dataset.shown = belongs;
  rows.forEach((row, i) => {
    const hand = String(first + i), { latent } = pointOf("first", hand, { model });
    row.dataset.hand = row.firstElementChild.textContent = hand;
    row.querySelectorAll(".glyph").forEach((svg, digit) => {
      const point = { latent, digits: digitWeights(digit, network.config) };
      drawSoon(svg, network, point, { exact, label: `a ${digit} in the hand of seed ${hand}`, rank: 1 });
    });
  });
}
