// The Write tab: numbers in the current handwriting, at every key stroke. What cannot be written stays pale.

import dcgan from "../engine/index.js";
import { refuse } from "./fields.js";
import { make, shape } from "./glyphs.js";
import { HAND, handOf } from "./hand.js";
import { add, modelOf } from "./page.js";
import { Digits, layOut, show, writtenOf } from "./write-line.js";
import { drawShelf, makeShelf, stopShelf } from "./write-shelf.js";

const MOST_CHARACTERS = 200, MOST_LINES = 12;
const WORK = 6; // milliseconds of one frame
const BASELINES = [32, 30]; // pixels from the top: where a line is ruled, and to the next

let view, writing, digits;
let shown = null; // {lines, spacing, model, hand} of the last drawing
let laid = null; // the drawing that is shown

export function mount(element) {
  writing = shape("svg", { role: "img", preserveAspectRatio: "xMinYMin" });
  digits = new Digits();
  element.querySelector(".frame").append(make("div", { className: "writing with-digits" }, writing));
  document.querySelector("#write-first .frame").replaceChildren(makeShelf());
  const bar = document.querySelector("#view-hand"); // the writing sticks below it
  new ResizeObserver(() => element.parentElement.style.setProperty("--bar", `${bar.offsetHeight}px`)).observe(bar);
  view = { name: "write", element, uses: HAND, title: "The writing", draw, leave, drawing: () => (laid?.glyphs.length || laid?.lines.length ? laid : null) };
  add(view);
}

function draw({ network, model, values, exact }) {
  if (!network.config.num_classes) return; // the page says why
  const { hand, point, text: code } = handOf(model), text = values.text ?? "", { variation, spacing } = values;
  const lines = text.slice(0, MOST_CHARACTERS).replaceAll("\r", "").trimEnd().split("\n").slice(0, MOST_LINES);
  const key = JSON.stringify([modelOf(model).sha256.generator, network.exact, exact, variation]); // of all hands
  digits.setHand(key + code, { network, latent: point.latent, variation, exact });
  digits.setText(lines.join(""));
  shown = { lines, spacing, model, hand };
  dcgan.scheduler.request("writing", write);
  drawShelf({ key, network, model, exact, variation, spacing, lines, hand, first: values.first });
  if (text.length > MOST_CHARACTERS || text.trimEnd().split("\n").length > MOST_LINES) {
    refuse("text", `the text is too long: at most ${MOST_CHARACTERS} characters in ${MOST_LINES} lines`);
  }
}

function leave() {
  if (stopShelf()) view.shown = null; // it is drawn when the tab is opened again
}

// Draw the digits that are missing, for a few milliseconds of this frame, and lay out what there is.
function write() {
  const end = performance.now() + WORK;
  let more = digits.work();
  while (more && performance.now() < end) more = digits.work();
  if (more) dcgan.scheduler.request("writing", write);
  const { lines, spacing, model, hand } = shown, text = writtenOf(lines.join(" ")), short = hand.slice(0, 12);
  const [first, pitch] = BASELINES, rules = lines.map((_, i) => `M-2000 ${first + i * pitch}h9000`).join("");
  laid = {
    ...layOut(lines, digits, spacing),
    name: `${text.replace(/[/:]/g, "-").replaceAll(" ", "_").slice(0, 40)}_hand-${short}`,
    title: `${text}, written by hand ${short} of ${modelOf(model).name}`,
  };
  show(writing, laid, shape("path", { class: "rules", d: rules }));
  writing.setAttribute("aria-label", text ? `${text}, written by hand ${short}` : "nothing is written");
}
