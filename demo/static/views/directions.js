// The Directions tab: a hand moved along directions of latent space. Its length is kept, so that the ends stay digits.

import dcgan from "../engine/index.js";
import { askedDigit, codeOf, pointOf, strongest } from "./fields.js";
import { button, Drawn, drawSoon, drawTen, figure, make } from "./glyphs.js";
import { add, modelOf, saveButtons, sendButtons, vectorsOf } from "./page.js";
import { sheetOf } from "./save.js";

let view, moved, before, after, row, code;
let shown = null;

export function mount(element, server) {
  before = figure("before");
  after = figure("after", "big");
  row = make("div", { className: "ten" });
  code = button("copy the code of this hand", { copy: "" }, "download");
  moved = make(
    "div", { className: "moved", dataset: { hand: "", digit: "" } },
    make("div", { className: "pair" }, before, after), row, sendButtons(false), make("p", { className: "downloads" }, code),
  );
  element.querySelector(".frame").append(moved, saveButtons());
  view = { name: "directions", element, server, draw, drawing };
  add(view);
}

function draw({ network, model, values, exact }) {
  const { hand, digit, ...sliders } = values, amounts = Object.values(sliders);
  const start = pointOf("hand", hand, { model, digit: askedDigit(digit, network.config) });
  const vectors = vectorsOf(model);
  const sum = vectors && start.latent.map((_, i) => amounts.reduce((total, amount, k) => total + amount * vectors[k][i], 0));
  const end = sum && amounts.some(Boolean) ? { ...start, latent: dcgan.quantise(dcgan.move(start.latent, sum, 1)) } : start;
  shown = { network, model, end, hand: String(hand).trim() };
  const own = strongest(start), text = end === start ? shown.hand : codeOf(end);
  Object.assign(moved.dataset, { hand: text, digit: own ?? "" });
  code.dataset.copy = codeOf(end);
  drawSoon(after.querySelector(".glyph"), network, end, { exact, label: "the hand, moved along the directions" });
  drawSoon(before.querySelector(".glyph"), network, start, { exact, label: "before", rank: 1 });
  drawTen(row, network, end.latent, exact);
}

function drawing() {
  const { network, model, end, hand } = shown;
  return sheetOf(`${modelOf(model).file}_${hand.slice(0, 12)}_moved`, [new Drawn(network, end)], 1, 0);
}
