// Draws the bar of the current handwriting and the open tab when something that they show has changed. Every tab is a
// module of this folder and adds a view:
//
// {name, element, uses, draw({network, model, values, exact}), leave(),
//  title, moving, extra, drawing(), file(kind)}
//
// draw shows the values of the tab's controls. It may throw an `InputError`, then the pictures stay as they are.
// uses: keys of what it shows beside its own controls, for example HAND of hand.js. leave() is called when another tab
// is open. The second line is for the menu Save, see menu.js.

import dcgan from "../engine/index.js";
import { sentence, TYPING } from "./fields.js";
import { button, make, rove } from "./glyphs.js";

const POLL = 60_000; // milliseconds between two looks for new weights
const { base } = demo;
const views = new Map(); // by name
const networks = new Map(); // by model: what `dcgan.load` gave, an error, or null while it loads
let models = []; // as the server describes them
let unanswered = null; // the error of the first look

export const modelOf = (name) => models.find((model) => model.name === name);

// --- what is told to the visitor ---

function clearMistake(view) {
  clearTimeout(view.telling);
  view.mistake?.remove();
}

// Say what is wrong, under its field if there is one.
function tell(view, { message, field }) {
  if (view.mistake?.isConnected && view.mistake.dataset.message === message) return; // it is told already
  clearMistake(view);
  if (field === "hand" && view.name !== "hand") return; // the bar tells it
  const id = demo.page.controls.find(({ key }) => key === `${view.name}.${field}` || key === field)?.id;
  view.mistake = make("p", { className: "mistake", role: "alert", dataset: { message } }, sentence(message));
  view.telling = setTimeout(() => (document.getElementById(id ?? `${view.name}-${field}`) ?? view.element).append(view.mistake), TYPING);
}

// Say which values of the link no control can have, as soon as Gradio has built the tabs.
function tellLink() {
  const tabs = document.querySelector("#tabs"), wrong = demo.wrong.splice(0, tabs ? Infinity : 0).join(", ");
  if (!wrong) return;
  const text = `Part of this link could not be read (${wrong}). The rest is here.`;
  tabs.before(make("p", { className: "mistake link", role: "alert" }, text));
}

// Show a line above the bar, with a button for what can be done; without one it is at the bottom of the window.
function notice(text, todo) {
  const bar = views.get("hand")?.element, line = bar?.querySelector(".notice");
  if (!text) return line?.remove();
  const parts = todo ? [text, todo] : [text], className = todo ? "notice" : "notice waiting";
  if (line) Object.assign(line, { className }).replaceChildren(...parts);
  else bar?.prepend(make("p", { className, role: "status" }, ...parts));
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
    notice(`The digits cannot be drawn: ${network.message}. `, again);
    return null;
  }
  if (network) return network;
  if (!view.element.querySelector(".glyph path")) notice("Loading the network …"); // nothing came with the page
  return null;
}

const vectors = new Map(); // by the hash of a generator: its directions' vectors, null while they are on their way

// Return the vectors of a model's directions, or null until the server has told them; then the tab is drawn again.
export function vectorsOf(name) {
  const { sha256: { generator: hash }, files } = modelOf(name), found = vectors.get(hash);
  if (found !== undefined) return found;
  vectors.set(hash, null);
  fetch(base + files.directions).then((answer) => answer.json()).then((told) => vectors.set(hash, told)).catch(() => {
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
    for (const kind of Object.keys(model.sha256)) model[`${kind}Url`] = base + model.files[kind];
    model.generatorHalves = model.files.generatorHalves?.map((half) => base + half);
  }
  for (const name of dcgan.init({ models, fetch: demo.fetch })) networks.delete(name);
  const wrong = models.filter(({ problem }) => problem);
  const lines = wrong.map(({ status, problem }) => make("li", {}, `${status} (${problem})`));
  document.querySelector("#weights .weights")?.replaceChildren(...lines);
  draw();
}

document.addEventListener("visibilitychange", () => document.hidden || look()); // they may be old by now

function keepLooking() {
  setTimeout(() => (document.hidden ? Promise.resolve() : look()).then(keepLooking), POLL);
}

// --- drawing ---

function drawView(view) {
  const { model, exact } = demo.state, values = view.name === "hand" ? {} : demo.values(view.name);
  const used = view.uses?.map((key) => demo.state[key]);
  const wanted = JSON.stringify([modelOf(model)?.sha256.generator, exact, values, used]);
  if (view.shown === wanted) return;
  const network = ready(view);
  if (!network) return;
  notice("");
  try {
    view.draw({ network, model, values, exact });
    view.shown = wanted;
    performance.mark("drawn"); // for scripts/bench_page.py
    clearMistake(view);
  } catch (error) {
    if (!(error instanceof dcgan.InputError)) throw error;
    view.shown = null;
    tell(view, error);
  }
}

export const openView = () => views.get(demo.state.tab);

// Draw the bar and the open tab in the next frame, if they show something else than what is wanted.
export function draw() {
  tellLink();
  wordSliders();
  const view = openView(), config = modelOf(demo.state.model)?.config;
  document.body.dataset.tab = demo.state.tab;
  if (config) document.body.dataset.digits = config.num_classes ? "known" : "unknown";
  if (config && !networks.has(demo.state.model)) load(demo.state.model);
  for (const other of views.values()) if (other !== view) other.leave?.();
  for (const [one, rank] of [[views.get("hand"), -2], [view, -1]]) {
    if (one) dcgan.scheduler.request(one, () => drawView(one), { rank, plans: true });
  }
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
  nameRadios();
  const list = document.querySelector("#tabs [role=tablist]:not([data-handled])");
  if (list) {
    list.dataset.handled = "";
    handleTabs(list);
  }
  draw();
}

// Gradio gives each radio button a name of its own, so that the arrow keys do nothing and each is a stop of the Tab key.
// One name for a group mends that; Gradio takes it back after each choice.
function nameRadios() {
  for (const group of document.querySelectorAll("fieldset")) {
    for (const radio of group.querySelectorAll("input[type=radio]")) radio.name = group.id || group.closest("[id]").id;
  }
}
addEventListener("keydown", ({ target }) => target.type === "radio" && nameRadios(), true);

// The ends of a slider get the words of its explanation, "hairline … bold", in place of numbers.
function wordSliders() {
  for (const info of document.querySelectorAll(".block:not(.worded) .wrap > .head .info-text")) {
    const ends = info.textContent.split(" … "), block = info.closest(".block");
    if (ends.length !== 2) continue;
    block.classList.add("worded");
    [".min_value", ".max_value"].forEach((name, i) => (block.querySelector(name).textContent = ends[i]));
  }
}

// The tabs are one stop of the Tab key, and the arrow keys go from one to the next.
function handleTabs(list) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const follow = () => rove(tabs, tabs.find(({ ariaSelected }) => ariaSelected === "true"));
  new MutationObserver(follow).observe(list, { subtree: true, attributeFilter: ["aria-selected"] });
  list.addEventListener("keydown", ({ key }) => {
    const at = tabs.indexOf(document.activeElement), to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[key];
    if (to === undefined || at < 0) return;
    const next = tabs.at(to % tabs.length);
    next.focus({ focusVisible: true });
    next.click();
  });
  follow();
}

demo.draw = draw;
look().then(keepLooking);
