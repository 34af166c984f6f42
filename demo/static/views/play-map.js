// The map of the Play tab: a continuous field between four handwritings, and a pin whose place is the current one.

import dcgan from "../engine/index.js";
import { askedDigit, codeOf, parseKeys, pointOf, refuse } from "./fields.js";
import { button, Drawn, drawSoon, fit, glyph, make } from "./glyphs.js";
import { newSeed, remember, SHAPE, shaped } from "./hand.js";
import { modelOf, vectorsOf } from "./page.js";
import { sheetOf } from "./save.js";

const SIZE = 9; // digits along each side of the backdrop
const SLOP = 6; // pixels that a finger moves before it drags the pin
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const STEP = 1 / 40, FINE = 1 / 200; // of the arrow keys; with Shift

let field, backdrop, pin, corners;
let shown = null; // {network, model, exact, keys, points, bare, place} of the last drawing; null after a mistake
let linked = false; // whether an older link showed a place of the map without naming its handwriting

export function mountMap(frame) {
  linked = demo.state["play.show"] === "map" && !new URLSearchParams(location.search).has("hand");
  backdrop = make("div", { className: "backdrop" });
  pin = make("div", { className: "pin" }, glyph());
  field = make("div", { className: "field", tabIndex: 0, role: "slider", ariaValueMin: "0", ariaValueMax: "100" }, backdrop, pin);
  corners = make("input", { type: "text", autocomplete: "off", spellcheck: false });
  const four = button("Four new corners");
  const hint = make("p", { className: "note" }, "Drag the pin, or click a place: it becomes the current handwriting.");
  const label = make("label", { id: "play-corners" }, make("span", {}, "Four corners"), corners,
    make("small", {}, "seeds or codes; 24:7 is hand 24 writing a 7"));
  frame.append(make("div", { className: "map" }, field, make("div", { className: "beside" }, hint, four, label)));
  corners.addEventListener("input", () => setCorners(corners.value));
  four.addEventListener("click", () => setCorners(Array.from({ length: 4 }, newSeed).join(" "), true));
  field.addEventListener("pointerdown", drag);
  field.addEventListener("keydown", press);
}

// --- drawing ---

export function drawMap({ network, model, values, exact }) {
  const before = shown;
  shown = null;
  if (corners !== document.activeElement) corners.value = values.corners;
  const found = readCorners(values.corners, values.digit, network, model), { truncation } = demo.state;
  const points = found.bare.map(({ latent, digits }) => ({ latent: latent.map((value) => value * Math.fround(truncation)), digits }));
  const how = [modelOf(model).sha256.generator, network.exact, exact, values.corners, values.digit, Boolean(vectorsOf(model)),
    ...SHAPE.map((key) => demo.state[key])].join();
  shown = { network, model, exact, how, ...found, points, place: placeIn(values.pin) };
  showPin();
  if (how === before?.how) return; // only the pin has moved
  fit(backdrop, SIZE ** 2, () => glyph()).forEach((svg, i) => drawSoon(svg, network, placeOf(i), { exact, rank: 2 }));
  field.ariaLabel = `map between the handwritings ${found.keys.map(([hand]) => hand.slice(0, 12)).join(", ")}: move with the arrow keys`;
}

// Return the place that a text names; the middle if it names none.
function placeIn(text) {
  const at = text.split(" ").map(Number);
  return at.length === 2 && at.every((one) => one >= 0 && one <= 1) ? at : [0.5, 0.5];
}

// Return {keys, bare}: the corners as they are written, and their points without the sliders.
function readCorners(text, choice, network, model) {
  const asked = askedDigit(choice, network.config);
  const keys = parseKeys("corners", text, network.config).map(([hand, own]) => [hand, asked ?? own]);
  if (keys.length !== 4) refuse("corners", `got ${keys.length} corners: it must be 4, like 3 14 15 92`);
  return { keys, bare: keys.map(([hand, digit]) => pointOf("corners", hand, { model, digit })) };
}

// Return the point at a place, as the sliders have it.
function pointAt(x, y) {
  const point = dcgan.mapPoint(shown.points, x, y);
  return { ...point, latent: shaped(point.latent, shown.model) };
}

const placeOf = (i) => pointAt((i % SIZE) / (SIZE - 1), Math.floor(i / SIZE) / (SIZE - 1));

const handAt = (bare, place) => codeOf(dcgan.mapPoint(bare, ...place)); // without the sliders: the bar adds them

function showPin() {
  const { network, exact, place, bare } = shown, [x, y] = place, hand = handAt(bare, place);
  if (linked) {
    linked = false;
    demo.put({ hand });
  }
  drawSoon(pin.firstElementChild, network, pointAt(x, y), { exact, label: "the digit at this place", rank: 0 });
  pin.classList.toggle("current", demo.state.hand === hand);
  // The digit in the middle of a cell of the backdrop is the digit there.
  pin.style.left = `${((x * (SIZE - 1) + 0.5) / SIZE) * 100}%`;
  pin.style.top = `${((y * (SIZE - 1) + 0.5) / SIZE) * 100}%`;
  field.ariaValueNow = String(Math.round(100 * x));
  field.ariaValueText = `${Math.round(100 * x)}% across, ${Math.round(100 * y)}% down`;
}

// --- changing it ---

// Move the pin. Its place becomes the current handwriting.
function go(place) {
  if (!shown) return;
  const at = place.map((one) => Number(Math.min(1, Math.max(0, one)).toFixed(4)));
  demo.put({ "play.pin": at.join(" "), hand: handAt(shown.bare, at) });
}

// Set the corners. The current handwriting stays at the pin if it was there; always: it goes there.
function setCorners(text, always = false) {
  const { network, model, place, bare } = shown ?? {}, changes = { "play.corners": text };
  if (always) remember();
  try {
    const found = network && readCorners(text, demo.state["play.digit"], network, model);
    if (found && (always || handAt(bare, place) === demo.state.hand)) changes.hand = handAt(found.bare, place);
  } catch (error) {
    if (!(error instanceof dcgan.InputError)) throw error; // the next drawing tells it
  }
  demo.put(changes);
}

function press(event) {
  const arrow = ARROWS[event.key];
  if (!arrow || !shown) return;
  event.preventDefault();
  if (!event.repeat) remember();
  const step = event.shiftKey ? FINE : STEP, place = placeIn(demo.state["play.pin"]); // keys may come faster than frames
  go(place.map((at, i) => Math.round((at + step * arrow[i]) / FINE) * FINE));
}

// Drag the pin with a mouse, or with a finger that begins sideways: upwards and downwards it scrolls the page. A tap sets
// the pin.
function drag(event) {
  if (event.button || !event.isPrimary || !shown) return;
  const { clientX: startX, clientY: startY, pointerId, pointerType } = event;
  let dragging = false;
  const move = ({ clientX, clientY }) => {
    if (!dragging && pointerType === "touch" && Math.abs(clientX - startX) < SLOP) return;
    if (!dragging) remember(); // one step back for all of it
    dragging = true;
    const box = backdrop.getBoundingClientRect();
    const share = (at, from, length) => (((at - from) / length) * SIZE - 0.5) / (SIZE - 1);
    go([share(clientX, box.left, box.width), share(clientY, box.top, box.height)]);
  };
  const end = ({ type, clientX, clientY }) => {
    if (type === "pointerup" && !dragging) {
      remember();
      dragging = true;
      move({ clientX, clientY });
    }
    for (const [name, listener] of listeners) field.removeEventListener(name, listener);
  };
  const listeners = [["pointermove", move], ["pointerup", end], ["pointercancel", end]];
  for (const [name, listener] of listeners) field.addEventListener(name, listener);
  field.setPointerCapture(pointerId);
  if (pointerType !== "touch") move(event);
}

// --- saving ---

export function mapDrawing() {
  if (!shown) return null;
  const digits = Array.from({ length: SIZE ** 2 }, (_, i) => new Drawn(shown.network, placeOf(i)));
  return sheetOf(`${modelOf(shown.model).file}_map_${shown.keys.map(([hand]) => hand.slice(0, 12)).join("_")}`, digits, SIZE, 0);
}
