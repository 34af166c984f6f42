// The current handwriting: one latent that all tabs share, and the bar that shows its ten digits. It is a seed or a code
// (`hand`), scaled by `truncation` and moved along the directions of the sliders.
//
// Other tabs read it with handOf, change it with take, and name HAND in their view's `uses`.

import dcgan from "../engine/index.js";
import { codeOf, pointOf } from "./fields.js";
import { Drawn, drawSoon, drawTen, fit, glyph, make } from "./glyphs.js";
import { fromServer, menu } from "./menu.js";
import { add, modelOf, vectorsOf } from "./page.js";
import { sheetOf } from "./save.js";

const DIRECTIONS = ["thickness", "slant", "width", ...Array.from({ length: 6 }, (_, i) => `direction${i + 1}`)];
const PLAIN = { truncation: 1, ...Object.fromEntries(DIRECTIONS.map((name) => [name, 0])) };
export const SHAPE = Object.keys(PLAIN); // keys of the sliders
export const HAND = ["hand", ...SHAPE];
const REMEMBERED = [...HAND, "play.pin"];
const MOST_KEPT = 6, MOST_PAST = 50;

let ten, field, back, keep, shelf;
let view, shown = null; // {network, model, exact} of the last drawing

// --- the latent ---

let last = { vectors: null, key: "", sum: null }; // of the directions, as far as the sliders say

// Return a latent moved as the sliders say. Its length is kept, so that digits stay digits.
export function shaped(latent, model) {
  const amounts = DIRECTIONS.map((name) => demo.state[name]), vectors = amounts.some(Boolean) && vectorsOf(model);
  if (!vectors) return latent;
  const key = amounts.join();
  if (last.vectors !== vectors || last.key !== key) {
    const sum = latent.map((_, i) => amounts.reduce((total, amount, k) => total + amount * vectors[k][i], 0));
    last = { vectors, key, sum };
  }
  return dcgan.move(latent, last.sum, 1);
}

// Return the current handwriting {hand, point, text}: as it was typed, its point {latent, digits}, and the seed or code
// that gives this point without the sliders.
export function handOf(model) {
  const { hand, truncation } = demo.state, typed = String(hand ?? "").trim();
  const start = pointOf("hand", typed, { model, truncation }), latent = shaped(start.latent, model);
  if (latent === start.latent && truncation === 1) return { hand: typed, point: start, text: typed };
  const point = { ...start, latent: dcgan.quantise(latent) };
  return { hand: typed, point, text: codeOf(point) };
}

// Return a hand as people read it: the start of a code.
const shortName = (hand) => (String(hand).length > 12 ? `${String(hand).slice(0, 10)}…` : String(hand));

// --- changing it ---

const read = (storage, key, otherwise = []) => {
  try {
    const found = JSON.parse(storage().getItem(key));
    return Array.isArray(found) ? found : [];
  } catch {
    return otherwise; // a browser may refuse its storage
  }
};
const write = (storage, key, value) => {
  try {
    storage().setItem(key, JSON.stringify(value));
  } catch {
    // then it is kept as long as the page is open
  }
};
const forTab = () => sessionStorage, forEver = () => localStorage;
let past = read(forTab, "dcgan-past"); // earlier handwritings with their sliders, the last one last
let kept = [];
const readShelf = () => { kept = read(forEver, "dcgan-shelf", kept).filter((hand) => typeof hand === "string").slice(0, MOST_KEPT); };
readShelf();
addEventListener("storage", ({ key }) => { // another window of this browser has changed it
  if (key !== "dcgan-shelf" || !view) return;
  readShelf();
  view.shown = null;
  demo.draw();
});

const now = () => Object.fromEntries(REMEMBERED.map((key) => [key, demo.state[key]]));

// Remember the current handwriting, for the button *back*.
export function remember(state = now()) {
  past = [...past, state].slice(-MOST_PAST);
  back.disabled = false;
  write(forTab, "dcgan-past", past);
}

// Make a seed or a code the current handwriting. plain: with all sliders at their middle. step: a step for *back*.
export function take(hand, { plain = false, step = true } = {}) {
  if (step) remember();
  demo.put({ hand: String(hand), ...(plain ? PLAIN : {}) });
}

export const newSeed = () => Math.floor(Math.random() * 1_000_000); // six digits can be read out aloud

function goBack() {
  const before = past.pop();
  write(forTab, "dcgan-past", past);
  if (before) demo.put(Object.fromEntries(REMEMBERED.filter((key) => key in before).map((key) => [key, before[key]])));
}

function keepOrDrop() {
  if (!shown) return; // no network yet
  const { text } = handOf(shown.model);
  readShelf();
  kept = kept.includes(text) ? kept.filter((one) => one !== text) : [text, ...kept].slice(0, MOST_KEPT);
  write(forEver, "dcgan-shelf", kept);
  drawShelf(text);
}

// --- the bar ---

export function mount(element, server) {
  const frame = element.querySelector(".frame");
  ten = element.querySelector(".ten");
  ten.setAttribute("role", "img");
  field = make("input", { id: "hand-field", type: "text", autocomplete: "off", spellcheck: false, value: demo.state.hand });
  back = tool("↶", "Back", goBack, "the handwriting before this one");
  keep = tool("♡", "Keep", keepOrDrop, "keep this handwriting on the shelf");
  shelf = make("div", { className: "shelf", role: "group", ariaLabel: "handwritings that you keep" });
  const label = make("label", { className: "hand-name", title: "One number is one person's handwriting." }, make("span", {}, "Hand"), field);
  const fresh = make("button", { type: "button", ariaLabel: "New hand" }, "New", make("span", { className: "words" }, "hand"));
  fresh.addEventListener("click", () => take(newSeed()));
  const share = tool("Share", "", shareLink);
  frame.replaceChildren(ten, make("div", { className: "tools" }, label, back, fresh, keep, menu(() => view), share), shelf);
  let before = null;
  field.addEventListener("focus", () => { before = now(); });
  field.addEventListener("input", () => take(field.value, { step: false }));
  field.addEventListener("change", () => {
    if (before && before.hand !== field.value) remember(before);
    before = now();
  });
  shelf.addEventListener("click", (event) => {
    const { hand } = event.target.closest("button")?.dataset ?? {};
    if (hand) take(hand, { plain: true });
  });
  view = {
    name: "hand", element, uses: HAND, title: "The handwriting", draw, drawing,
    file: () => fromServer(server, { hand: handOf(shown.model).text }),
    get moving() {
      return server && shown.network.config.num_classes ? { font: "Install as a font (ZIP)" } : {};
    },
  };
  back.disabled = !past.length;
  add(view);
}

// Return a button of the bar. On a narrow screen only the sign is seen, if there is one.
function tool(sign, text, action, title = "") {
  const words = text ? [make("span", { className: "sign", ariaHidden: "true" }, sign), make("span", { className: "words" }, text)] : [sign];
  const made = make("button", { type: "button", title }, ...words);
  if (text) made.ariaLabel = text;
  made.addEventListener("click", action);
  return made;
}

function draw({ network, model, exact }) {
  if (field !== document.activeElement) field.value = demo.state.hand;
  back.disabled = !past.length;
  const { hand, point, text } = handOf(model);
  shown = { network, model, exact };
  ten.ariaLabel = network.config.num_classes ? `handwriting ${shortName(hand)}: the digits 0 to 9` : `handwriting ${shortName(hand)}`;
  // The sliders beside the wall move these digits first. Elsewhere what the tab draws comes first.
  const rank = demo.state.tab === "play" && demo.state["play.show"] === "wall" ? -1.5 : 1;
  if (network.config.num_classes) drawTen(ten, network, point.latent, exact, rank);
  else drawSoon(fit(ten, 1, () => glyph())[0], network, point, { exact });
  drawShelf(text);
}

function drawShelf(current) {
  const { network, model, exact } = shown, has = kept.includes(current);
  keep.ariaPressed = String(has);
  keep.querySelector(".sign").textContent = has ? "♥" : "♡";
  const points = kept.map((hand) => {
    try {
      return { hand, point: dcgan.point(hand, { model }) };
    } catch {
      return null; // of another model
    }
  }).filter(Boolean);
  fit(shelf, points.length, () => make("button", { type: "button" }, glyph())).forEach((one, i) => {
    const { hand, point } = points[i];
    Object.assign(one.dataset, { hand });
    one.title = one.ariaLabel = `take hand ${shortName(hand)}`;
    one.ariaPressed = String(hand === current);
    drawSoon(one.firstElementChild, network, point, { exact, rank: 1 });
  });
}

async function shareLink({ currentTarget: pressed }) {
  const url = demo.link();
  if (navigator.share && matchMedia("(pointer: coarse)").matches) return navigator.share({ url, title: document.title }).catch(() => {});
  try {
    await navigator.clipboard.writeText(url);
    pressed.textContent = "Copied";
  } catch {
    window.prompt("Copy this link", url);
  }
  setTimeout(() => (pressed.textContent = "Share"), 2000);
}

// Return what the menu saves: the digits 0 to 9; null while nothing is drawn.
function drawing() {
  if (!shown) return null;
  const { network, model } = shown, { hand, point } = handOf(model), { num_classes: classes } = network.config;
  const points = classes ? Array.from({ length: classes }, (_, digit) => ({ latent: point.latent, digits: digit })) : [point];
  const { file, name } = modelOf(model), sheet = sheetOf(`${file}_hand-${shortName(hand)}`, points.map((at) => new Drawn(network, at)), classes || 1);
  return { ...sheet, title: `${classes ? "the digits 0 to 9 by hand" : "seed"} ${shortName(hand)} of ${name}` };
}
