// A text in one hand: the digits are the network's, the signs between them are strokes of a round pen.
// dcgan/latents/handwriting.py writes the same, with the same variations.

import { digitWeights } from "../engine/config.js";
import { UNITS } from "../engine/ink.js";
import { latentFromSeed } from "../engine/random.js";
import { Drawn, setGlyph, shape } from "./glyphs.js";
import { strokeOf } from "./save.js";

const SIGNS = { // strokes of each upright sign: points [x, y] on a line 28 pixels high; one point is a dot
  "-": [[[1, 14], [9, 14]]],
  ".": [[[1, 22]]],
  ",": [[[2, 22], [0, 26]]],
  ":": [[[1, 11]], [[1, 20]]],
  "/": [[[9, 4], [0, 25]]],
  "+": [[[1, 14], [11, 14]], [[6, 9], [6, 19]]],
  "=": [[[1, 11], [10, 11]], [[1, 17], [10, 17]]],
  "(": [[[5, 3], [3, 6.5], [1.5, 10], [1, 14], [1.5, 18], [3, 21.5], [5, 25]]],
  ")": [[[1, 3], [3, 6.5], [4.5, 10], [5, 14], [4.5, 18], [3, 21.5], [1, 25]]],
  "%": [
    [[3.8, 4.4], [6.4, 5.4], [7.4, 8], [6.4, 10.6], [3.8, 11.6], [1.2, 10.6], [0.2, 8], [1.2, 5.4], [3.8, 4.4]],
    [[15.7, 4], [3.3, 24]],
    [[15.2, 16.4], [17.8, 17.4], [18.8, 20], [17.8, 22.6], [15.2, 23.6], [12.6, 22.6], [11.6, 20], [12.6, 17.4], [15.2, 16.4]],
  ],
};
const THICKNESS = [1.5, 5], SLANT = [-0.3, 0.4]; // what a sign takes from a hand: pixels; pixels to the right for one up
const SPACE = 12, LINE = 28, PITCH = 30, MARGIN = 6; // pixels
const BLANK = 14; // pixels: the place of a digit that is not drawn yet
const INK = 32; // of 255: what counts as a digit's side
const VARIATIONS = 2 ** 31; // the seed of the first digit's variation
const FONT = "18px Georgia, serif", BASELINE = 23; // of the letters that cannot be written

const isDigit = (character) => character >= "0" && character <= "9";
const isWritten = (character) => isDigit(character) || character === " " || Object.hasOwn(SIGNS, character);

// Return the part of a text that can be written, in one line.
export const writtenOf = (text) => [...text.replace(/\s+/g, " ")].filter(isWritten).join("").replace(/ +/g, " ").trim();

// Return {left, right, thickness, slant} of a digit: its first column with ink, the column after its last one, and its
// strokes as `stroke_statistics` in Python measures them.
function measure(pixels) {
  const columns = pixels.reduce((found, level, i) => (level >= INK ? found.add(i % LINE) : found), new Set());
  let mass = 0, outline = 0, sumX = 0, sumY = 0, high = 0, both = 0;
  pixels.forEach((level, i) => {
    const below = i + LINE < pixels.length ? pixels[i + LINE] : 0, right = (i + 1) % LINE ? pixels[i + 1] : 0;
    outline += Math.hypot(below - level, right - level);
    mass += level;
    sumX += level * (i % LINE);
    sumY += level * Math.floor(i / LINE);
  });
  pixels.forEach((level, i) => {
    const y = Math.floor(i / LINE) - sumY / mass;
    high += level * y * y;
    both += level * y * ((i % LINE) - sumX / mass);
  });
  const [left, right] = columns.size ? [Math.min(...columns), Math.max(...columns) + 1] : [0, LINE];
  return { left, right, thickness: (2 * mass) / Math.max(outline, 1e-9), slant: high ? -both / high : 0 };
}

const noises = []; // of the places in a text
const noiseOf = (place, size) =>
  (noises[place]?.length === size ? noises[place] : (noises[place] = latentFromSeed(VARIATIONS + place, size).latent));

// The digits of a text in one hand. One that is out of date is shown until it is drawn again.
export class Digits {
  #hand = {}; // {network, latent, variation, exact}
  #next = 0; // where to look for digits that are out of date: else those at the end would wait for ever
  places = []; // {digit, element, ink, pixels, left, right, thickness, slant, stale}; no ink: not drawn yet

  // Say in which hand to write. key: what the look depends on.
  setHand(key, hand) {
    if (key !== this.#hand.key) for (const place of this.places) place.stale = true;
    this.#hand = { key, ...hand };
  }

  // Say what to write. A digit that has moved in the text is another variation.
  setText(text) {
    const wanted = [...text].filter(isDigit).map(Number), before = this.places, moved = wanted.length - before.length;
    if (!wanted.length && writtenOf(text)) wanted.push(8); // its strokes give signs their weight
    this.places = wanted.map((digit, i) => {
      if (before[i]?.digit === digit) return before[i];
      const same = before[i - moved];
      return same?.ink && same.digit === digit ? { ...same, element: same.element.cloneNode(true), stale: true } : { digit, stale: true };
    });
  }

  // Draw one digit that is missing or out of date. Return whether there was one.
  work() {
    const { network, latent, variation, exact } = this.#hand, count = this.places.length;
    let at = this.places.findIndex(({ ink }) => !ink);
    for (let i = 0; at < 0 && i < count; i++) if (this.places[(this.#next + i) % count].stale) at = (this.#next + i) % count;
    if (at < 0) return false;
    this.#next = at + 1;
    const place = this.places[at], noise = noiseOf(at, latent.length), kept = Math.sqrt(1 - variation ** 2);
    const varied = latent.map((value, i) => kept * value + variation * noise[i]);
    const { ink, pixels } = new Drawn(network, { latent: varied, digits: digitWeights(place.digit, network.config) });
    Object.assign(place, { ink, stale: false }, measure(pixels));
    place.pixels = pixels.map((level, i) => (i % LINE >= place.left && i % LINE < place.right ? level : 0));
    place.element ??= shape("g", { class: "glyph" });
    setGlyph(place.element, place, exact);
    return true;
  }

  // Return the thickness and slant of the pen that draws the signs.
  get pen() {
    const drawn = this.places.filter(({ ink }) => ink);
    const [thickness, slant] = [["thickness", THICKNESS, 2], ["slant", SLANT, 0]].map(([name, [low, high], usual]) =>
      Math.min(high, Math.max(low, drawn.length ? median(drawn.map((place) => place[name])) : usual)));
    return { thickness, slant };
  }
}

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b), middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
};

// Return the strokes of a sign as points [x, y], the leftmost x 0: sheared around the middle of the line.
function signStrokes(character, slant) {
  const strokes = SIGNS[character].map((points) => points.map(([x, y]) => [x + slant * (LINE / 2 - y), y]));
  const left = Math.min(...strokes.flat().map(([x]) => x));
  return strokes.map((points) => points.map(([x, y]) => [x - left, y]));
}

let context = null; // to measure letters
const widthOf = (text) => {
  context ??= Object.assign(document.createElement("canvas").getContext("2d"), { font: FONT });
  return Math.ceil(context.measureText(text).width);
};

// Return lines of text laid out as a drawing for save.js, its digits' places, and `pale`: what cannot be written.
export function layOut(lines, digits, spacing) {
  const { thickness, slant } = digits.pen, glyphs = [], strokes = [], pale = [];
  let next = 0, width = 1;
  lines.forEach((line, row) => {
    const top = MARGIN + row * PITCH;
    let x = MARGIN, wide;
    for (const [part] of line.matchAll(/[-0-9 ./:,+=()%]|[^-0-9 ./:,+=()%]+/g)) {
      if (part === " ") {
        x += SPACE;
        continue;
      }
      if (isDigit(part)) {
        const place = digits.places[next++];
        wide = place.ink ? place.right - place.left : BLANK;
        if (place.ink) glyphs.push({ x: x - place.left, y: top, ink: place.ink, pixels: place.pixels, place });
      } else if (isWritten(part)) {
        const sign = signStrokes(part, slant), right = Math.max(...sign.flat().map(([a]) => a));
        wide = Math.ceil(right + thickness);
        const left = x + (wide - right) / 2;
        for (const points of sign) strokes.push({ points: points.map(([a, b]) => [left + a, top + b]), width: thickness });
      } else {
        pale.push({ x, y: top + BASELINE, text: part });
        wide = widthOf(part);
      }
      width = Math.max(width, x + wide - MARGIN);
      x += wide + spacing;
    }
  });
  return { glyphs, lines: strokes, pale, width: width + 2 * MARGIN, height: 2 * MARGIN + PITCH * lines.length - 2 };
}

// Show a laid out text in an SVG. The elements of digits that stay are kept.
export function show(svg, { glyphs, lines, pale, width, height }, ...more) {
  const elements = glyphs.map(({ x, y, place: { element } }) => {
    element.setAttribute("transform", `translate(${x - 2} ${y - 2}) scale(${1 / UNITS})`);
    return element;
  });
  for (const { x, y, text } of pale) {
    elements.push(shape("text", { x, y, class: "pale" }));
    elements.at(-1).textContent = text;
  }
  elements.push(...lines.map(strokeOf), ...more);
  const wanted = new Set(elements);
  for (const old of [...svg.children]) if (!wanted.has(old)) old.remove();
  svg.append(...elements.filter((element) => element.parentNode !== svg));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.style.setProperty("--wide", width);
  svg.style.setProperty("--lines", (height - 10) / PITCH);
}
