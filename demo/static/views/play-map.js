// The Map tab: the digits between four hands. The pointer shows the one exactly under it, large.

import dcgan from "../engine/index.js";
import { askedDigit, codeOf, parseKeys, pointOf, refuse, strongest } from "./fields.js";
import { Drawn, drawSoon, fit, glyph, make } from "./glyphs.js";
import { add, modelOf, saveButtons, sendButtons } from "./page.js";
import { sheetOf } from "./save.js";

const SIZE = 13; // digits along each side of the background
const STEP = 1 / (SIZE - 1); // of the arrow keys

let view, field, backdrop, here, stage, under;
let shown = null; // {network, model, values, exact, keys, corners} of the last drawing
let place = [0.5, 0.5]; // across, down
let staying = false;

export function mount(element, server) {
  backdrop = make("div", { className: "backdrop" });
  here = make("div", { className: "here" });
  field = make("div", { className: "field", tabIndex: 0 }, backdrop, here);
  for (const [name, value] of [["role", "slider"], ["aria-valuemin", 1], ["aria-valuemax", SIZE ** 2]]) field.setAttribute(name, value);
  stage = glyph("stage");
  under = make("div", { className: "under", dataset: { hand: "", digit: "" } }, stage, sendButtons());
  const hint = make("p", { className: "note" }, "Move over the map. A click keeps the place.");
  element.querySelector(".frame").append(make("div", { className: "map" }, field, under), hint, saveButtons());
  field.addEventListener("pointermove", (event) => { if (!staying || event.buttons) follow(event); });
  field.addEventListener("pointerdown", (event) => {
    staying = event.pointerType !== "mouse" || !staying;
    follow(event);
  });
  field.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    staying = true;
    go(place.map((at, i) => Math.round(at / STEP + step[i]) * STEP));
  });
  view = { name: "map", element, server, draw, drawing };
  add(view);
}

function draw({ network, model, values, exact }) {
  const asked = askedDigit(values.digit, network.config);
  const keys = parseKeys("corners", values.corners, network.config).map(([hand, own]) => [hand, asked ?? own]);
  if (keys.length !== 4) refuse("corners", `got ${keys.length} corners: it must be 4`);
  const corners = keys.map(([hand, digit]) => pointOf("corners", hand, { model, digit }));
  const at = values.at.split(" ").map(Number), fits = at.length === 2 && at.every((one) => one >= 0 && one <= 1);
  if (values.at !== shown?.values.at && fits) {
    place = at;
    staying ||= values.at !== "0.5 0.5";
  }
  shown = { network, model, values, exact, keys, corners };
  fit(backdrop, SIZE ** 2, () => glyph()).forEach((svg, i) => {
    drawSoon(svg, network, dcgan.mapPoint(corners, (i % SIZE) * STEP, Math.floor(i / SIZE) * STEP), { exact, rank: 1 });
  });
  field.ariaLabel = `map between the corners ${keys.map(([hand]) => hand.slice(0, 12)).join(", ")}: move with the arrow keys`;
  show();
}

// The digit in the middle of a cell of the background is the digit there.
function follow({ clientX, clientY }) {
  const box = field.getBoundingClientRect();
  const share = (at, from, length) => (((at - from) / length) * SIZE - 0.5) * STEP;
  go([share(clientX, box.left, box.width), share(clientY, box.top, box.height)]);
}

function go(to) {
  if (!shown) return;
  place = to.map((at) => Number(Math.min(1, Math.max(0, at)).toFixed(4)));
  shown.values.at = place.join(" ");
  demo.set("map.at", shown.values.at);
  show();
}

function show() {
  const { network, corners, exact } = shown, [x, y] = place, point = dcgan.mapPoint(corners, x, y);
  drawSoon(stage, network, point, { exact, label: "the digit at this place", rank: 0 });
  Object.assign(under.dataset, { hand: codeOf(point), digit: strongest(point) ?? "" });
  here.style.left = `${((x * (SIZE - 1) + 0.5) / SIZE) * 100}%`;
  here.style.top = `${((y * (SIZE - 1) + 0.5) / SIZE) * 100}%`;
  const [column, row] = place.map((at) => Math.round(at / STEP));
  field.setAttribute("aria-valuenow", row * SIZE + column + 1);
  field.setAttribute("aria-valuetext", `${Math.round(100 * x)}% across, ${Math.round(100 * y)}% down`);
}

function drawing() {
  const { network, model, keys, corners } = shown;
  const all = Array.from({ length: SIZE ** 2 }, (_, i) =>
    new Drawn(network, dcgan.mapPoint(corners, (i % SIZE) * STEP, Math.floor(i / SIZE) * STEP)));
  return sheetOf(`${modelOf(model).file}_map_${keys.map(([hand]) => hand.slice(0, 12)).join("_")}`, all, SIZE, 0);
}
