// The Morph tab: from one digit to the next along stops. It is played and scrubbed at any real place between them.

import dcgan from "../engine/index.js";
import { parseKeys, pointOf, refuse } from "./fields.js";
import { button, Drawn, drawSoon, glyph, make } from "./glyphs.js";
import { handOf, newSeed } from "./hand.js";
import { fromServer } from "./menu.js";
import { FEWEST, MOST, Stops } from "./morph-stops.js";
import { record, videoKind } from "./morph-video.js";
import { add, modelOf } from "./page.js";
import { sheetOf, toSvg } from "./save.js";

const REST = 5; // frames that a morph rests at its ends, when it goes there and back
const FROM_SERVER = { gif: "GIF", webp: "WebP", mp4: "MP4" };
const NAMED = 4; // stops that a file's name has
const still = matchMedia("(prefers-reduced-motion: reduce)");

let view, stage, screen, position, playing, stops, more;
let shown = null; // {network, model, values, exact, keys, points, options, legs} of the last drawing
let place = 0; // 1.5 is halfway from the second stop to the third
let direction = 1, previous = 0, rest = 0, frame = 0;
let running = !still.matches;

export function mount(element, server) {
  stage = glyph();
  screen = make("button", { type: "button", className: "screen" }, stage);
  playing = button("Play", {}, "play");
  position = make("input", { type: "range", className: "position", min: 0, step: "any", value: 0, ariaLabel: "place on the morph" });
  stops = new Stops({ changed: edit, stand });
  more = button("+ Add this hand");
  const transport = make("div", { className: "transport" }, playing, make("div", { className: "track" }, stops.line, position));
  element.querySelector(".frame").replaceChildren(
    make("div", { className: "seen" }, screen, transport), stops.details, make("div", { className: "examples" }, more, ...examples()),
  );
  view = {
    name: "morph", element, draw, leave,
    title: "This frame", moving: server ? FROM_SERVER : videoKind() ? { video: "Video" } : {}, extra: { strip: "All frames in a row (SVG)" },
    drawing, file: (kind, tell) => file(server, kind, tell),
  };
  for (const one of [playing, screen]) one.addEventListener("click", toggle);
  position.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (way && shown) stand(Math.min(Math.max(place + (way * shown.legs) / 100, 0), shown.legs)); // Firefox goes a whole stop
    else if (event.key === " ") toggle();
    else return;
    event.preventDefault();
  });
  position.addEventListener("input", () => stand(Number(position.value)));
  more.addEventListener("click", () => {
    const hand = own(), words = hand && more.ariaDisabled !== "true" ? stops.with(hand) : [];
    if (!words.length) return;
    stops.selected = words.length - 1;
    edit(words);
    stand(words.length - 1);
  });
  element.querySelector(".frame").inert = true; // until there are stops
  still.addEventListener("change", () => {
    running &&= !still.matches;
    play();
  });
  add(view);
}

// --- the stops ---

function draw({ network, model, values, exact }) {
  const keys = parseKeys("keys", values.keys, network.config);
  if (!(keys.length >= FEWEST && keys.length <= MOST)) refuse("keys", `a morph has ${FEWEST} to ${MOST} stops, not ${keys.length}`);
  const points = keys.map(([hand, digit]) => pointOf("keys", hand, { model, digit }));
  const { closed, easing } = values, options = { closed, easing, spherical: values.path === "spherical" };
  const legs = points.length - (closed ? 0 : 1), before = shown;
  shown = { network, model, values, exact, keys, points, options, legs };
  if (values.at !== (before?.values.at ?? 0)) {
    place = values.at * legs; // of a link, or a step back
    running = false;
  } else place = Math.min(place, legs);
  position.max = legs;
  view.element.style.setProperty("--legs", legs);
  stops.draw(shown);
  view.element.querySelector(".frame").inert = false;
  more.ariaDisabled = String(keys.length >= MOST); // not `disabled`: that would take the focus away
  if (!running) keepPlace();
  play();
}

// Stop while another tab is open. This one is drawn again when it is opened.
function leave() {
  cancelAnimationFrame(frame);
  view.shown = null;
}

// The text of the stops is changed, and drawn at once.
function edit(words) {
  demo.put({ "morph.keys": words.join(" ") });
}

// Return the current handwriting; null if its field is wrong, which the bar tells.
function own() {
  try {
    return handOf(demo.state.model).text;
  } catch (error) {
    if (!(error instanceof dcgan.InputError)) throw error;
    return null;
  }
}

function examples() {
  const seeds = (count) => Array.from({ length: count }, newSeed);
  const all = {
    "0 to 9 in one handwriting": () => Array.from({ length: 10 }, (_, digit) => `${own()}:${digit}`),
    "One 7 through eight hands": () => [own(), ...seeds(7)].map((hand) => `${hand}:7`),
    "Surprise me": () => seeds(4).map((seed) => `${seed}:${Math.floor(Math.random() * 10)}`),
  };
  return Object.entries(all).map(([text, words]) => {
    const made = button(text, {}, text === "Surprise me" ? "" : "with-digits");
    made.addEventListener("click", () => {
      if (own() === null) return;
      stops.selected = 0;
      stand(0);
      running = !still.matches;
      edit(words());
    });
    return made;
  });
}

// --- the place ---

// Draw the frame at the place, and say where it is.
function show() {
  if (!shown) return;
  const { network, points, options, exact } = shown;
  drawSoon(stage, network, dcgan.along(points, place, options), { exact });
  position.value = place;
  position.ariaValueText = whereOf();
  const text = running ? "Pause" : "Play";
  if (playing.textContent === text && screen.ariaLabel) return;
  playing.textContent = text;
  screen.ariaLabel = `the digit on its way: ${text.toLowerCase()}`;
}

function whereOf() {
  const { keys, legs } = shown, leg = Math.min(Math.floor(place), legs - 1), share = Math.round(100 * (place - leg));
  const name = (at) => `stop ${(at % keys.length) + 1}`;
  return share === 0 || share === 100 ? name(leg + share / 100) : `${name(leg)} to ${name(leg + 1)}: ${share}%`;
}

// Stand still at a place.
function stand(at) {
  if (!shown) return;
  running = false;
  place = at;
  keepPlace();
  play();
  dcgan.scheduler.hurry();
}

// The link holds the place.
function keepPlace() {
  shown.values.at = Math.min(1, Number((place / shown.legs).toFixed(4)));
  demo.set("morph.at", shown.values.at);
}

function toggle() {
  running = !running;
  if (!running && shown) keepPlace();
  play();
}

// --- playing: as fast as the loop that can be saved, but at the screen's own rate ---

function play() {
  show();
  previous = performance.now();
  cancelAnimationFrame(frame); // one loop at a time
  if (running) frame = requestAnimationFrame(tick);
}

function tick(now) {
  if (!running || !shown || !view.element.isConnected) return;
  const { values, legs } = shown, pace = 1000 / values.speed; // milliseconds
  const passed = Math.min(now - previous, 100);
  previous = now;
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
  frame = requestAnimationFrame(tick);
}

// --- saving ---

// Return the start of files' names, as the server's loop_name makes it.
function nameOf() {
  const { keys, values, model } = shown;
  let hands = keys.map(([hand, digit]) => `seed-${String(hand).slice(0, 12)}${digit === null ? "" : `-digit-${digit}`}`);
  if (hands.length > NAMED) hands = [hands[0], `${hands.length - 2}-more`, hands.at(-1)];
  const smooth = values.easing === "smooth" ? ["smooth"] : [], closed = values.closed ? ["closed"] : [];
  return [modelOf(model).file, hands.join("_to_"), values.path, ...smooth, ...closed].join("_");
}

function drawing(at = place) {
  if (!shown) return null;
  const { network, points, options } = shown;
  return sheetOf(`${nameOf()}_at-${at.toFixed(2)}`, [new Drawn(network, dcgan.along(points, at, options))], 1);
}

// Record the morph from its first stop on, as it is played.
async function video(tell) {
  const { legs, values } = shown, leg = (values.steps - 1) / values.speed, way = legs * leg; // seconds
  const pause = values.closed ? 0 : REST / values.speed;
  const placeAt = (seconds) => {
    const there = Math.min(Math.max(seconds - pause, 0), way), back = Math.max(seconds - way - 2 * pause, 0);
    return Math.min(Math.max(there - back, 0) / leg, legs);
  };
  const length = values.closed ? way : 2 * (way + pause);
  const content = await record(length, (seconds) => drawing(placeAt(seconds)), (left) => tell(`Recording: ${left} s left`));
  return { name: `${nameOf()}.${videoKind()}`, content };
}

async function file(server, kind, tell) {
  if (kind === "video") return video(tell);
  const { network, points, options, values: { keys, at, ...values } } = shown;
  if (kind !== "strip") return fromServer(server, { ...values, key_text: keys, kind });
  const frames = dcgan.route(points, values.steps, options).map((point) => new Drawn(network, point));
  const row = sheetOf(`${nameOf()}_frames`, frames, frames.length);
  return { name: `${row.name}.svg`, content: new Blob([toSvg(row)], { type: "image/svg+xml" }) };
}
