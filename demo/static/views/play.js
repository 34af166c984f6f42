// The Play tab: a wall of digits or a map between four handwritings, and a line about the digit that is taken.

import dcgan from "../engine/index.js";
import { askedDigit, pointOf, strongest } from "./fields.js";
import { button, make, rove } from "./glyphs.js";
import { HAND, remember, SHAPE, shaped, take } from "./hand.js";
import { add, modelOf } from "./page.js";
import { judgeOf, scoresOf } from "./play-judge.js";
import { drawMap, mapDrawing, mountMap } from "./play-map.js";
import { drawWall, mountWall, rest, wallDrawing, zip } from "./play-wall.js";

const PLACES = { wall: { title: "The wall", extra: { zip: "All as ZIP, with a table" } }, map: { title: "The map", extra: {} } };

let view, frame, line, ask;
let asked = false; // whether the visitor wants to know what the networks say

const show = () => demo.state["play.show"];

export function mount(element) {
  frame = element.querySelector(".frame");
  mountSwitch(frame.querySelector(".switch"));
  mountWall(frame.querySelector(".wall"));
  mountMap(frame);
  line = make("p", { className: "line", ariaLive: "polite" });
  ask = button("What do the networks say?");
  ask.addEventListener("click", () => {
    asked = true;
    tell();
  });
  frame.append(make("div", { className: "about" }, line, ask));
  mountSliders(element.closest(".tab-row"));
  view = {
    name: "play", element, uses: HAND, draw, leave: rest,
    get title() { return PLACES[show()].title; },
    get extra() { return PLACES[show()].extra; },
    drawing: () => (show() === "map" ? mapDrawing() : wallDrawing()),
    file: zip,
  };
  add(view);
}

function draw(wanted) {
  frame.dataset.show = show();
  const choices = [...frame.querySelectorAll(".switch [role=radio]")];
  for (const one of choices) one.ariaChecked = String(one.dataset.show === show());
  rove(choices, choices.find(({ dataset }) => dataset.show === show()));
  if (show() === "map") {
    rest();
    drawMap(wanted);
  } else drawWall(wanted);
  tell(wanted);
}

// --- the line about the taken digit ---

const percent = (share) => `${Math.round(100 * share)}%`;

// Say which digit is taken and, if the visitor has asked, what the networks say of it.
let last = null; // {network, model, values} of the last drawing
function tell(wanted = last) {
  last = wanted;
  const { network, model, values } = wanted, { hand, truncation } = demo.state;
  const digit = askedDigit(values.digit, network.config);
  let point;
  try {
    point = pointOf("hand", hand, { model, digit, truncation });
  } catch {
    return; // the bar tells what is wrong with it
  }
  const own = strongest(point), name = /^\s*\d+\s*$/.test(hand) ? `Seed ${hand.trim()}` : "This hand";
  const text = own === null ? `${name}.` : `${name}, ${own === 8 ? "an" : "a"} ${own}.`;
  line.textContent = text;
  ask.hidden = asked;
  if (!asked) return;
  dcgan.scheduler.request(line, () => {
    try {
      const judge = judgeOf(model);
      line.textContent = `${text} ${judge ? verdict(scoresOf(judge, network, { ...point, latent: shaped(point.latent, model) })) : "Asking the networks …"}`;
    } catch (error) {
      if (!(error instanceof dcgan.InputError)) throw error;
      line.textContent = `${text} The networks cannot be asked: ${error.message}.`;
      asked = ask.hidden = false;
    }
  }, { rank: 3 });
}

// Return what the networks say of a digit, in words.
function verdict({ digit, realness }) {
  const { realness: real } = modelOf(last.model);
  const compared = typeof real === "number" ? `; for real digits it says ${percent(real)} on average` : "";
  return `Reads as ${digit}. The critic's guess: ${percent(realness)} real${compared}.`;
}

// --- the controls ---

function mountSwitch(group) {
  let instead = false; // whether the map's digit stands for "any"
  function choose({ dataset }) {
    const digit = demo.state["play.digit"], changes = { "play.show": dataset.show };
    if (dataset.show === show()) return;
    // Halfway between different digits there is none, so the map begins with one digit.
    if (dataset.show === "map" && digit === "any") Object.assign(changes, { "play.digit": "8" });
    if (dataset.show === "wall" && instead && digit === "8") Object.assign(changes, { "play.digit": "any" });
    instead = dataset.show === "map" && digit === "any";
    demo.put(changes);
  }
  group.addEventListener("click", ({ target }) => target.closest("button") && choose(target.closest("button")));
  group.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const other = [...group.children].find((one) => one !== document.activeElement);
    other.focus({ focusVisible: true });
    choose(other);
  });
}

// The button that brings all sliders back, and a double click on a slider's label, which brings back this one.
function mountSliders(row) {
  row.addEventListener("click", ({ target }) => target.closest("#play-middle") && take(demo.state.hand, { plain: true }));
  row.addEventListener("dblclick", ({ target }) => {
    const block = target.closest(".block[id]"), { key, value } = demo.page.controls.find(({ id }) => id && id === block?.id) ?? {};
    if (!SHAPE.includes(key) || target.matches("input") || demo.state[key] === value) return;
    remember();
    demo.put({ [key]: value });
  });
}
