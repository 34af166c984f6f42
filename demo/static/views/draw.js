// The Draw tab: a sheet, the digit of the network that is most like what was drawn, and the ten digits of its hand.
//
// `Finder` of the engine searches in the browser. The state keeps the drawing as a text: demo.state["draw.drawing"].

import { pack, unpack } from "../engine/drawing.js";
import dcgan from "../engine/index.js";
import { askedDigit, codeOf, sentence } from "./fields.js";
import { button, Drawn, drawSoon, drawTen, glyph, make } from "./glyphs.js";
import { take } from "./hand.js";
import { mountPad } from "./draw-pad.js";
import { add, modelOf } from "./page.js";
import { sheetOf } from "./save.js";

const INVITATION = "Draw a digit. The network tries to write it your way.";
const EVERY = 60; // milliseconds between two guesses while the pen is down
const CLOSE = 12, ROUGH = 20; // grey levels between the drawing and its likeness
const SMALLEST = 0.18; // of the sheet's side: the height or width of a digit; a tap has 0.08

let view, pad, line, likeness, answer, title, row, use;
let finder = { hash: null, promise: null };
let wanted = null; // what `draw` was called with
let drawn = { text: "", pixels: null }; // what is on the sheet, and for a link that cannot be read the `problem`
let sought = ""; // what the finder looks for
let found = null; // its last answer
let moving = false; // whether the pen is down
let guessed = 0; // when it was last looked for

export function mount(element) {
  const frame = element.querySelector(".frame");
  line = make("p", { className: "line", ariaLive: "polite" }, INVITATION);
  likeness = glyph("likeness");
  title = make("p", { className: "title with-digits" });
  row = make("div", { className: "ten" });
  use = button("Use this handwriting", {}, "use");
  use.addEventListener("click", () => take(codeOf(found.point), { plain: true }));
  answer = make("div", { className: "answer" }, title, row, use);
  frame.querySelector(".likeness").append(likeness);
  frame.querySelector(".line").replaceWith(line);
  frame.append(answer);
  pad = mountPad(frame, changed);
  view = { name: "draw", element, title: "The network's digit", draw, drawing };
  empty();
  add(view);
}

function draw(now) {
  wanted = now;
  const { drawing } = now.values;
  if (drawn.text === null || drawing === drawn.text) return search(); // null: a stroke that the state does not have yet
  drawn = { text: drawing, pixels: null };
  if (drawing === "") return changedTo(null);
  unpack(drawing).catch(({ message }) => {
    drawn.problem = sentence(message);
    return null;
  }).then((pixels) => drawn.text === drawing && changedTo(pixels));
}

// Show the drawing of a link.
function changedTo(pixels) {
  drawn.pixels = pixels;
  pad.show(pixels);
  likeness.setAttribute("viewBox", dcgan.VIEW_BOX);
  search();
}

// The visitor has drawn. more: and still does.
async function changed(more) {
  moving = more;
  if (moving && performance.now() - guessed < EVERY) return;
  guessed = performance.now();
  const { pixels = null, sheet } = pad.read() ?? {};
  drawn = { text: null, pixels, small: sheet && 20 / sheet[2] < SMALLEST }; // a digit has 20 pixels
  if (sheet) likeness.setAttribute("viewBox", viewOf(sheet));
  search();
  if (moving) return;
  const now = drawn, text = pixels ? await pack(pixels) : "";
  if (now !== drawn) return;
  drawn.text = text;
  demo.set("draw.drawing", text);
}

// Return the view that shows a likeness where the digit was drawn on the sheet, and as large: a pixel is 100 units.
const viewOf = ([left, top, side]) => [200 + 100 * left, 200 + 100 * top, 100 * side, 100 * side].map(Math.round).join(" ");

// --- the search ---

function finderOf(model) {
  const hash = modelOf(model).sha256.generator;
  if (finder.hash === hash) return finder.promise;
  finder.promise?.then((old) => old.stop(), () => {});
  const promise = dcgan.loadFinder(model);
  finder = { hash, promise };
  promise.catch(() => { if (finder.promise === promise) finder = { hash: null, promise: null }; }); // the next stroke tries again
  return promise;
}

// Look for the hand of the drawing, unless it is found already.
async function search() {
  if (!wanted) return;
  const { network, model, values } = wanted, { pixels } = drawn, finding = finderOf(model);
  const key = JSON.stringify([finder.hash, values.digit, pixels && String(pixels)]);
  if (key === sought && found) return show();
  sought = key;
  const looker = await finding.catch((error) => error);
  if (key !== sought) return;
  if (looker instanceof Error) {
    line.textContent = `The network cannot be asked: ${looker.message}.`;
    sought = "";
    return;
  }
  if (!pixels) {
    looker.stop();
    return empty();
  }
  const told = (result) => {
    if (key !== sought) return;
    found = result;
    show();
  };
  looker.find(pixels, { digit: askedDigit(values.digit, network.config), told });
}

function empty() {
  found = null;
  line.textContent = drawn.problem ?? INVITATION;
  dcgan.scheduler.cancel(likeness);
  likeness.replaceChildren();
  answer.classList.add("nothing");
  title.textContent = "If you wrote all ten, the network thinks:";
  for (const svg of row.children) {
    dcgan.scheduler.cancel(svg);
    svg.replaceChildren();
  }
}

function show() {
  const { network, exact } = wanted, { point, digit, error, reading, done } = found, known = found.known && !drawn.small;
  drawSoon(likeness, network, point, { exact, label: "the network's digit" });
  drawTen(row, network, point.latent, exact);
  answer.classList.remove("nothing");
  if (moving && done) return; // more strokes may come: do not judge half a digit
  if (!done) {
    if (!known) return;
    line.textContent = `Reads as ${reading} …`;
    return;
  }
  const match = error < CLOSE ? "a close match" : error < ROUGH ? "roughly" : "not really";
  if (drawn.small) line.textContent = "That is very small. Draw it larger.";
  else line.textContent = known ? `Reads as ${reading}: ${match}.` : `I don't know this sign. Closest: ${digit ?? reading}.`;
  title.textContent = known ? "If you wrote all ten, the network thinks:" : "If it were a digit, you would write:";
}

function drawing() {
  if (!found) return null;
  return sheetOf(`${modelOf(wanted.model).file}_likeness`, [new Drawn(wanted.network, found.point)], 1, 0);
}
