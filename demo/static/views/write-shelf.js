// Ten hands to choose from, each with the visitor's own text. One stop of the Tab key; the arrow keys go up and down.

import dcgan from "../engine/index.js";
import { MAX_SEED, pointOf, wholeNumber } from "./fields.js";
import { fit, make, rove, shape } from "./glyphs.js";
import { take } from "./hand.js";
import { Digits, layOut, show, writtenOf } from "./write-line.js";

const HANDS = 10, LONGEST = 12, LAST = MAX_SEED - HANDS + 1; // characters; the last seed that ten can begin with
const WORK = 4; // milliseconds of one frame
const PAUSE = 150; // milliseconds after the last key: the writing comes first
const STEP = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

let list, rows = [], waiting = 0;
let wanted = null; // {key, network, model, exact, variation, spacing, text, first}

// Return the shelf. It is filled by `drawShelf`.
export function makeShelf() {
  list = make("div", { className: "hands", role: "group", ariaLabel: "hands to choose from" });
  const others = make("button", { type: "button", className: "others" }, "Ten others");
  others.addEventListener("click", () => {
    const next = demo.state["write.first"] + HANDS;
    demo.put({ "write.first": next >= 0 && next <= LAST ? next : 0 });
  });
  list.addEventListener("click", ({ target }) => {
    const { hand } = target.closest(".hand")?.dataset ?? {};
    if (hand) take(hand, { plain: true });
  });
  list.addEventListener("focusin", ({ target }) => rove(list.children, target));
  list.addEventListener("keydown", (event) => {
    const step = STEP[event.key], buttons = [...list.children], at = buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)].focus({ focusVisible: true });
  });
  rows = [];
  return make("div", { className: "with-digits" }, make("p", { className: "note" }, "Ten other people who do not exist:"), list, others);
}

// Draw the hands from the seed `first` on, when the visitor pauses.
export function drawShelf({ lines, hand, first, ...look }) {
  const text = writtenOf(lines.find((line) => /[0-9]/.test(line)) ?? "0123456789").slice(0, LONGEST).trim();
  wanted = { ...look, first: wholeNumber("first", first, 0, LAST), text };
  const buttons = fit(list, HANDS, (i) => {
    rows[i] = { digits: new Digits(), svg: shape("svg", { "aria-hidden": true }) };
    return make("button", { type: "button", className: "hand" }, make("span"), rows[i].svg);
  });
  buttons.forEach((button, i) => {
    button.dataset.hand = button.firstElementChild.textContent = first + i;
    button.ariaLabel = `write with hand ${first + i}`;
    button.ariaPressed = String(String(first + i) === hand);
  });
  if (!list.contains(document.activeElement)) rove(buttons, buttons.find(({ ariaPressed }) => ariaPressed === "true") ?? buttons[0]);
  clearTimeout(waiting);
  waiting = setTimeout(() => rows.forEach(prepare), rows[0].shown ? PAUSE : 0);
}

// Stop waiting for a pause. Return whether there was something to draw.
export function stopShelf() {
  const had = waiting;
  clearTimeout(waiting);
  waiting = 0;
  return Boolean(had);
}

function prepare(row, i) {
  waiting = 0;
  const { key, network, model, exact, variation, text, spacing, first } = wanted;
  row.digits.setHand(key + first, { network, exact, variation, latent: pointOf("first", String(first + i), { model }).latent });
  row.digits.setText(text);
  const request = () => dcgan.scheduler.request(row, step, { element: row.svg, rank: 2 });
  const step = () => {
    const end = performance.now() + WORK;
    while (row.digits.work()) if (performance.now() > end) return request();
    show(row.svg, layOut([text], row.digits, spacing));
    row.shown = true;
  };
  request();
}
