// Draws the open tab when something that it shows has changed. Every tab is a module of this folder and adds a view:
//
// {name, element, server, draw({network, model, values, exact}), drawing(), request(kind), leave()}
//
// draw shows the values of the tab's controls. It may throw an `InputError`, then the pictures stay as they are.
// drawing() returns what the buttons for SVG and PNG save: see save.js. request(kind) returns the parameters of a file
// that Python makes, which `server.encode` asks for. leave() is called when another tab is open.

import dcgan from "../engine/index.js";
import { wordsOf } from "./fields.js";
import { button, make } from "./glyphs.js";
import { save, toPixels, toPng, toSvg } from "./save.js";

const POLL = 60_000; // milliseconds between two looks for new weights
const TYPING = 700; // milliseconds until a mistake is told: the visitor may type on
const { base } = demo;
const views = new Map(); // by name
const networks = new Map(); // by model: what `dcgan.load` gave, an error, or null while it loads
let models = []; // as the server describes them
let unanswered = null; // the error of the first look
let telling = 0;

export const modelOf = (name) => models.find((model) => model.name === name);

// --- what is told to the visitor ---

function clearMistakes() {
  clearTimeout(telling);
  document.querySelectorAll(".mistake:not(.link)").forEach((told) => told.remove());
}

// Say what is wrong, under its field if there is one.
function tell(view, { message, field }) {
  clearMistakes();
  const id = demo.page.controls.find(({ key }) => key === `${view.name}.${field}`)?.id;
  const told = make("p", { className: "mistake", role: "alert" }, `${message[0].toUpperCase()}${message.slice(1)}.`);
  telling = setTimeout(() => (document.getElementById(id) ?? view.element).append(told), TYPING);
}

// Say which values of the link no control can have, as soon as Gradio has built the tabs.
function tellLink() {
  const tabs = document.querySelector("#tabs"), wrong = demo.wrong.splice(0, tabs ? Infinity : 0).join(", ");
  if (!wrong) return;
  const text = `Some values in this link are invalid and were ignored: ${wrong}.`;
  tabs.before(make("p", { className: "mistake link", role: "alert" }, text));
}

// Show a line above the pictures of a view, and a button if there is something to do about it.
function notice(view, text, todo = []) {
  const line = view.element.querySelector(".notice");
  if (!text) return line?.remove();
  if (line) return line.replaceChildren(text, ...todo);
  view.element.prepend(make("p", { className: "notice", role: "status" }, text, ...todo));
}

// --- networks ---

function load(name) {
  if (networks.get(name) === null) return;
  networks.set(name, null);
  dcgan.load(name, { refined: redraw }).catch((error) => error).then((found) => {
    networks.set(name, found);
    draw();
  });
}

// Return the network of the chosen model, or null while there is none. The visitor is told why.
function ready(view) {
  const name = demo.state.model, network = models.length ? networks.get(name) : unanswered;
  if (network instanceof Error) {
    const again = button("Try again");
    again.addEventListener("click", () => (models.length ? load(name) : look()));
    notice(view, `The digits cannot be drawn: ${network.message}. `, [again]);
    return null;
  }
  if (network) return network;
  if (!view.element.querySelector(".glyph")) notice(view, "Loading the network …");
  return null;
}

const vectors = new Map(); // by the hash of a generator: its directions' vectors, null while they are on their way

// Return the vectors of a model's directions, or null until the server has told them; then the tab is drawn again.
export function vectorsOf(name) {
  const hash = modelOf(name).sha256.generator, found = vectors.get(hash);
  if (found !== undefined) return found;
  vectors.set(hash, null);
  fetch(`${base}directions/${hash}`).then((answer) => answer.json()).then((told) => vectors.set(hash, told)).catch(() => {
    vectors.delete(hash); // the next drawing asks again
  }).then(() => {
    if (vectors.has(hash)) redraw();
  });
  return null;
}

async function askModels() {
  const answer = await fetch(`${base}models.json`);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.json();
}

// Look for new weights. Models that have other ones than before are loaded again, and the open tab is drawn again.
async function look() {
  try {
    models = window.dcganModels ?? await askModels(); // at first they come with the page
    window.dcganModels = undefined;
  } catch (error) {
    unanswered = error;
    return draw();
  }
  for (const model of models) {
    for (const [kind, hash] of Object.entries(model.sha256)) model[`${kind}Url`] = `${base}weights/${hash}`;
    model.generatorHalves = ["upper", "lower"].map((half) => `${model.generatorUrl}/${half}`);
  }
  for (const name of dcgan.init({ models, fetch: demo.fetch })) networks.delete(name);
  const lines = models.map(({ status, problem }) => make("li", {}, status, ...(problem ? [make("strong", {}, ` (${problem})`)] : [])));
  document.querySelector("#weights .weights")?.replaceChildren(...lines);
  draw();
}

document.addEventListener("visibilitychange", () => document.hidden || look()); // they may be old by now

function keepLooking() {
  setTimeout(() => (document.hidden ? Promise.resolve() : look()).then(keepLooking), POLL);
}

// --- drawing ---

function drawView(view) {
  const { model, exact } = demo.state, values = demo.values(view.name);
  const wanted = JSON.stringify([modelOf(model)?.sha256.generator, exact, values]);
  if (view.shown === wanted) return;
  const network = ready(view);
  if (!network) return;
  notice(view, "");
  try {
    view.draw({ network, model, values, exact });
    view.shown = wanted;
    performance.mark("drawn"); // for scripts/bench_page.py
    clearMistakes();
  } catch (error) {
    if (!(error instanceof dcgan.InputError)) throw error;
    view.shown = null;
    tell(view, error);
  }
}

// Draw the open tab in the next frame, if it shows something else than what is wanted.
export function draw() {
  tellLink();
  const view = views.get(demo.state.tab), config = modelOf(demo.state.model)?.config;
  if (config) document.body.dataset.digits = config.num_classes ? "known" : "unknown";
  if (config && !networks.has(demo.state.model)) load(demo.state.model);
  for (const other of views.values()) if (other !== view) other.leave?.();
  if (view?.draw) dcgan.scheduler.request("view", () => drawView(view), { rank: -1 });
  dcgan.scheduler.hurry();
}

// Draw the open tab again, and the others when they are opened.
export function redraw() {
  for (const view of views.values()) view.shown = null;
  draw();
}

// Add a tab's view.
export function add(view) {
  views.set(view.name, view);
  view.element.addEventListener("click", (event) => {
    const pressed = event.target.closest("button[data-save], button[data-send], button[data-copy]");
    if (pressed) press(view, pressed);
  });
  draw();
}

// --- buttons ---

// Return buttons that take a hand to other tabs.
export function sendButtons(directions = true) {
  return make(
    "div", { className: "actions" },
    button("Interpolate: start here", { send: "first" }), button("Interpolate: end here", { send: "last" }),
    button("Write in this hand", { send: "write" }, "with-digits"),
    ...(directions ? [button("Adjust in Directions", { send: "directions" })] : []),
  );
}

// Return buttons that save what a view shows. more: {kind: text} of files that Python makes.
export function saveButtons(more = {}) {
  const own = { svg: "SVG", png: "PNG", transparent: "PNG, transparent", pixels: "exact pixels (PNG)" };
  const all = Object.entries({ ...own, ...more }).map(([kind, text]) => button(text, { save: kind }, "download"));
  return make("p", { className: "downloads" }, make("span", {}, "Save as"), ...all);
}

async function fileOf(view, kind) {
  await dcgan.scheduler.settled();
  const drawing = view.drawing();
  if (kind === "svg") return save(`${drawing.name}.svg`, toSvg(drawing), "image/svg+xml");
  if (kind === "png") return save(`${drawing.name}.png`, await toPng(drawing));
  if (kind === "transparent") return save(`${drawing.name}_transparent.png`, await toPng(drawing, true));
  if (kind === "pixels") return save(`${drawing.name}_pixels.png`, await toPixels(drawing));
  const answer = await view.server.encode(JSON.stringify({ model: demo.state.model, ...view.request(kind) }));
  if (answer.error) throw new Error(answer.error);
  return save(answer.name, await (await fetch(answer.uri)).blob());
}

const SENT = {
  first: (hand, digit) => ({ tab: "interpolate", "interpolate.keys": replaceKey(0, hand, digit) }),
  last: (hand, digit) => ({ tab: "interpolate", "interpolate.keys": replaceKey(-1, hand, digit) }),
  write: (hand) => ({ tab: "write", "write.hand": hand }),
  directions: (hand, digit) => ({ tab: "directions", "directions.hand": hand, "directions.digit": digit || "any" }),
};

function replaceKey(at, hand, digit) {
  const words = wordsOf(demo.state["interpolate.keys"]);
  while (words.length < 2) words.push("0");
  return words.with(at, hand + (digit ? `:${digit}` : "")).join(" ");
}

async function press(view, pressed) {
  const { save: kind, send, copy } = pressed.dataset, text = pressed.textContent;
  const say = (words) => {
    pressed.textContent = words;
    setTimeout(() => (pressed.textContent = text), 3000);
  };
  if (send) {
    const { hand, digit } = pressed.closest("[data-hand]").dataset;
    demo.put(SENT[send](hand, digit));
  } else if (copy) {
    await navigator.clipboard.writeText(copy).then(() => say("copied"), () => window.prompt("Copy this code", copy));
  } else {
    pressed.disabled = true;
    await fileOf(view, kind).catch(({ message }) => say(message || "no answer from the server: try again"));
    pressed.disabled = false;
  }
}

demo.draw = draw;
look().then(keepLooking);
