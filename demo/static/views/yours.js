// The Your digit tab: what Python found for a drawing. The digits are drawn here, from the code of the hand.

import { digitWeights } from "../engine/config.js";
import dcgan from "../engine/index.js";
import { from28x28 } from "../engine/pictures.js";
import { button, Drawn, drawSoon, drawTen, figure, judgement, make, setFacts, setGlyph } from "./glyphs.js";
import { add, modelOf, redraw, saveButtons, sendButtons } from "./page.js";
import { sheetOf } from "./save.js";

let view, invitation, answer, yours, likeness, differ, row, code;
let found = null; // {model, code, digit, error, pixels, yours, likeness}, as Python tells it
let shown = null;

export function mount(element, server) {
  invitation = element.querySelector(".invitation");
  yours = figure("yours", "big", make("dl"));
  likeness = figure("the generator's", "big", make("dl"));
  differ = make("p", { className: "note" });
  row = make("div", { className: "ten" });
  code = button("copy the code of this hand", { copy: "" }, "download");
  answer = make(
    "div", { className: "moved", hidden: true, dataset: { hand: "", digit: "" } },
    make("div", { className: "pair both" }, yours, likeness), differ,
    make("p", { className: "note with-digits" }, "All digits in this hand:"), row, sendButtons(),
    make("p", { className: "downloads" }, code), saveButtons(),
  );
  element.querySelector(".frame").append(answer);
  view = { name: "yours", element, server, draw, drawing };
  demo.found = (told) => {
    found = told;
    redraw();
  };
  add(view);
}

function draw({ network, model, values, exact }) {
  const answered = found && found.model === model && values.drawing;
  invitation.hidden = answered;
  answer.hidden = !answered;
  if (!answered) return;
  const { config } = network, pixels = Uint8Array.from(atob(found.pixels), (one) => one.charCodeAt(0));
  const { latent } = dcgan.decode(found.code, config), point = { latent, digits: digitWeights(found.digit, config) };
  shown = { network, model, point };
  setGlyph(yours.querySelector(".glyph"), { pixels, ink: dcgan.ink(pixels, { model }) }, exact, "your digit");
  drawSoon(likeness.querySelector(".glyph"), network, point, { exact, label: "its likeness" });
  for (const [shownIn, { read, ...scores }] of [[yours, found.yours], [likeness, found.likeness]]) {
    setFacts(shownIn.querySelector("dl"), judgement({ digit: read, ...scores }));
  }
  differ.textContent = `They differ by ${found.error.toFixed(0)} of 255 grey levels (root mean square).`;
  drawTen(row, network, latent, exact);
  Object.assign(answer.dataset, { hand: found.code, digit: found.digit ?? "" });
  code.dataset.copy = found.code;
}

function drawing() {
  return sheetOf(`${modelOf(shown.model).file}_likeness`, [new Drawn(shown.network, shown.point)], 1, 0);
}
