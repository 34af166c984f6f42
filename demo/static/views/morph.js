// The Interpolate tab: a morph along key frames. It is played and scrubbed at any real place between them.

import dcgan from "../engine/index.js";
import { parseKeys, pointOf, refuse, strongest, wholeNumber, wordsOf } from "./fields.js";
import { button, Drawn, drawSoon, fit, glyph, make } from "./glyphs.js";
import { newSeed } from "./hand.js";
import { fromServer } from "./menu.js";
import { add, modelOf } from "./page.js";
import { sheetOf } from "./save.js";

const MOST = 8; // key frames
const REST = 5; // frames that a morph rests at its ends, when it goes back and forth
const still = matchMedia("(prefers-reduced-motion: reduce)");

let view, cards, stage, position, playing, strip, note;
let shown = null; // {network, model, values, exact, points, options, legs, frames} of the last drawing
let place = 0; // 1.5 is halfway from the second key frame to the third
let direction = 1, previous = 0, rest = 0, frame = 0;
let running = !still.matches;

export function mount(element, server) {
  cards = make("div", { className: "keys" });
  stage = glyph("stage");
  playing = button("Play", {}, "play");
  position = make("input", { type: "range", className: "position", min: 0, step: "any", value: 0, ariaLabel: "place on the morph" });
  note = make("p", { className: "note" });
  note.setAttribute("aria-hidden", "true"); // the slider says the same
  strip = make("div", { className: "strip" });
  const transport = make("div", { className: "transport" }, playing, position);
  const moving = { gif: "GIF", webp: "WebP", mp4: "MP4" };
  element.querySelector(".frame").append(cards, make("div", { className: "morph" }, stage, transport, note, strip));
  view = { name: "morph", element, server, title: "This frame", moving, draw, drawing, file: (kind) => fromServer(server, request(kind)) };
  cards.addEventListener("change", (event) => event.target.closest(".key") && edit(words()));
  cards.addEventListener("click", clicked);
  playing.addEventListener("click", () => {
    running = !running;
    play();
  });
  position.addEventListener("input", () => stand(Number(position.value)));
  strip.addEventListener("click", (event) => {
    const at = [...strip.children].indexOf(event.target.closest("button"));
    if (at >= 0) stand(placeOf(at));
  });
  still.addEventListener("change", () => {
    running &&= !still.matches;
    play();
  });
  add(view);
  play();
}

function draw({ network, model, values, exact }) {
  const keys = parseKeys("keys", values.keys, network.config);
  if (!(keys.length >= 2 && keys.length <= MOST)) refuse("keys", `got ${keys.length} key frames: it must be from 2 to ${MOST}`);
  const points = keys.map(([hand, digit]) => pointOf("keys", hand, { model, digit }));
  const { closed, easing } = values, steps = wholeNumber("steps", values.steps, 2, 60);
  const options = { closed, easing, spherical: values.path === "spherical" };
  const legs = points.length - (closed ? 0 : 1);
  const frames = dcgan.route(points, steps, options);
  const before = shown;
  shown = { network, model, values, exact, keys, points, options, legs, frames };
  if (values.at !== before?.values.at) {
    place = values.at * legs; // of a link, or a step back
    running &&= !values.at;
  } else if (before.legs !== legs) place = (place / before.legs) * legs;
  position.max = legs;
  playing.textContent = running ? "Pause" : "Play";
  drawCards();
  const cells = fit(strip, frames.length, () => make("button", { type: "button" }, glyph()));
  cells.forEach((cell, i) => {
    cell.ariaLabel = `frame ${i + 1} of ${frames.length}`;
    drawSoon(cell.firstElementChild, network, frames[i], { exact, rank: 1 });
  });
  show();
}

// Return the place of a frame of the strip.
const placeOf = (frame) => frame / (shown.values.steps - 1);

// Draw the frame at the place, and say where it is.
function show() {
  if (!shown) return;
  const { network, points, options, exact, frames, values } = shown;
  drawSoon(stage, network, dcgan.along(points, place, options), { exact, label: "one frame of the morph" });
  const here = Math.min(frames.length - 1, Math.round(place * (values.steps - 1)));
  position.value = place;
  position.ariaValueText = note.textContent = whereOf();
  const cell = strip.children[here];
  if (cell.hasAttribute("data-here")) return;
  strip.querySelector("[data-here]")?.removeAttribute("data-here");
  cell.setAttribute("data-here", "");
  const hidden = cell.offsetLeft < strip.scrollLeft || cell.offsetLeft + cell.offsetWidth > strip.scrollLeft + strip.clientWidth;
  if (hidden) strip.scrollLeft = cell.offsetLeft - strip.clientWidth / 2;
}

function whereOf() {
  const { keys, legs } = shown, leg = Math.min(Math.floor(place), legs - 1), short = ([hand]) => String(hand).slice(0, 12);
  return `${short(keys[leg])} to ${short(keys[(leg + 1) % keys.length])}: ${Math.round(100 * (place - leg))}%`;
}

function stand(at) {
  running = false;
  place = at;
  shown.values.at = Number((place / shown.legs).toFixed(4));
  demo.set("morph.at", shown.values.at);
  play();
}

// --- playing: as fast as the loop that can be saved, but at the screen's own rate ---

function play() {
  playing.textContent = running ? "Pause" : "Play";
  show();
  previous = performance.now();
  cancelAnimationFrame(frame); // one loop at a time
  if (running) frame = requestAnimationFrame(tick);
}

function tick(now) {
  if (!running || !view.element.isConnected) return;
  const passed = Math.min(now - previous, 100);
  previous = now;
  if (shown && demo.state.tab === "morph") {
    const { values, legs } = shown, pace = 1000 / values.speed; // milliseconds
    rest -= passed;
    if (rest <= 0) {
      place += (direction * passed) / pace / (values.steps - 1);
      if (values.closed) {
        direction = 1;
        place %= legs;
      } else if (place >= legs || place <= 0) {
        place = Math.max(0, Math.min(legs, place));
        direction = place > 0 ? -1 : 1;
        rest = REST * pace;
      }
      show();
    }
  }
  frame = requestAnimationFrame(tick);
}

// --- the cards of the key frames: their changes are written into the field ---

function drawCards() {
  const { network, points, keys, exact, model } = shown, { num_classes: classes } = network.config;
  const elements = fit(cards, keys.length + 1, card);
  elements.forEach((element, i) => {
    const isCard = i < keys.length, seed = element.querySelector("input"), digit = element.querySelector("select");
    element.className = isCard ? "key" : "new";
    if (!isCard) return;
    const [hand, asked] = keys[i];
    if (seed !== document.activeElement) seed.value = hand;
    seed.ariaLabel = `seed of key frame ${i + 1}`;
    digit.hidden = !classes;
    digit.ariaLabel = `digit of key frame ${i + 1}`;
    digit.options[0].textContent = classes ? `any (${strongest(dcgan.point(hand, { model }))})` : "any";
    digit.value = asked ?? "any";
    element.querySelector(".dice").ariaLabel = `roll key frame ${i + 1}`;
    const remove = element.querySelector(".remove");
    remove.ariaLabel = `remove key frame ${i + 1}`;
    remove.hidden = keys.length <= 2;
    drawSoon(element.querySelector(".glyph"), network, points[i], { exact, label: `key frame ${i + 1}` });
  });
  elements.at(-1).hidden = keys.length >= MOST;
}

// Return a card. The last one shows only the button that adds a key frame.
function card() {
  const digits = ["any", ..."0123456789"].map((value) => make("option", { value, textContent: value }));
  const more = button("+", {}, "add");
  more.ariaLabel = "add a key frame";
  return make(
    "div", {}, glyph(), make("input", { inputMode: "numeric" }), make("select", {}, ...digits),
    make("span", {}, button("⚄", {}, "dice"), button("×", {}, "remove")), more,
  );
}

// Return the text of each card: what the field has.
function words() {
  return [...cards.querySelectorAll(".key")].map((element) => {
    const digit = element.querySelector("select").value;
    return element.querySelector("input").value.trim() + (digit === "any" ? "" : `:${digit}`);
  });
}

function clicked(event) {
  const pressed = event.target.closest("button");
  if (!pressed) return;
  const keys = wordsOf(demo.state["morph.keys"]), at = [...cards.children].indexOf(pressed.closest(".key"));
  if (pressed.matches(".dice")) keys[at] = keys[at].replace(/^[^:]*/, newSeed());
  else if (pressed.matches(".remove")) keys.splice(at, 1);
  else keys.push(newSeed());
  edit(keys);
}

const edit = (keys) => demo.put({ "morph.keys": keys.join(" ") });

// --- saving ---

function nameOf() {
  const { keys, values, model } = shown;
  const hands = keys.map(([hand, digit]) => `seed-${String(hand).slice(0, 12)}${digit === null ? "" : `-digit-${digit}`}`);
  const smooth = values.easing === "smooth" ? ["smooth"] : [], closed = values.closed ? ["closed"] : [];
  return [modelOf(model).file, hands.join("_to_"), values.path, ...smooth, ...closed].join("_");
}

function drawing() {
  const { network, frames } = shown;
  return sheetOf(nameOf(), frames.map((point) => new Drawn(network, point)), frames.length);
}

function request(kind) {
  const { values: { keys, at, ...values } } = shown;
  return { ...values, key_text: keys, kind };
}
