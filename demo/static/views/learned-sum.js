// The Arithmetic tab: the mean of A minus the mean of B plus the mean of C (DCGAN paper, section 6.3.2).

import { digitWeights } from "../engine/config.js";
import dcgan from "../engine/index.js";
import { askedDigit, codeOf, parseKeys, pointOf, refuse, strongest } from "./fields.js";
import { Drawn, drawSoon, figure, fit, glyph, make } from "./glyphs.js";
import { add, modelOf, saveButtons, sendButtons } from "./page.js";
import { sheetOf } from "./save.js";

const MOST = 6; // hands in a tray
const SIGNS = { a: "", b: "−", c: "+" };

let view, trays, result, box;
let shown = null;

export function mount(element, server) {
  const sign = (text) => make("div", { className: "sign" }, text);
  trays = {};
  result = figure("A − B + C", "big");
  const parts = Object.entries(SIGNS).flatMap(([name, text]) => {
    trays[name] = make("div", { className: "tray" }, make("div", { className: "members" }), figure(`mean of ${name.toUpperCase()}`));
    return [sign(text), trays[name]];
  });
  box = make("div", { className: "arithmetic", dataset: { hand: "", digit: "" } },
    make("div", { className: "sum" }, ...parts, sign("="), result), sendButtons());
  element.querySelector(".frame").append(box, saveButtons());
  view = { name: "arithmetic", element, server, draw, drawing };
  add(view);
}

// Return the mean of points: of the latents, and of the digits' weights.
function meanOf(points) {
  const mean = (arrays) => arrays[0].map((_, i) => arrays.reduce((sum, array) => sum + array[i], 0) / arrays.length);
  return { latent: mean(points.map(({ latent }) => latent)), digits: points[0].digits && mean(points.map(({ digits }) => digits)) };
}

// Return a - b + c. The digits' weights that are left over 0 add up to 1; if there are none, they are a's.
function combine(a, b, c, asked, config) {
  const latent = dcgan.quantise(a.latent.map((value, i) => value - b.latent[i] + c.latent[i]));
  if (!a.digits || asked !== null) return { latent, digits: digitWeights(asked, config) };
  const weights = a.digits.map((value, i) => Math.max(0, value - b.digits[i] + c.digits[i]));
  const total = weights.reduce((sum, weight) => sum + weight);
  return { latent, digits: total > 0 ? weights.map((weight) => weight / Math.max(total, 1e-9)) : a.digits };
}

function draw({ network, model, values, exact }) {
  const { config } = network, filled = {}, means = {};
  for (const name of Object.keys(SIGNS)) {
    const keys = parseKeys(name, values[name], config);
    if (!(keys.length >= 1 && keys.length <= MOST)) refuse(name, `tray ${name.toUpperCase()} has ${keys.length} hands: it must have 1 to ${MOST}`);
    filled[name] = keys.map(([hand, digit]) => pointOf(name, hand, { model, digit }));
    means[name] = meanOf(filled[name]);
  }
  const sum = combine(means.a, means.b, means.c, askedDigit(values.digit, config), config);
  shown = { network, model, sum };
  for (const [name, tray] of Object.entries(trays)) {
    const members = fit(tray.firstElementChild, filled[name].length, () => glyph());
    members.forEach((svg, i) => drawSoon(svg, network, filled[name][i], { exact, label: `tray ${name.toUpperCase()}`, rank: 1 }));
    drawSoon(tray.querySelector("figure .glyph"), network, means[name], { exact, label: `mean of tray ${name.toUpperCase()}`, rank: 1 });
  }
  drawSoon(result.querySelector(".glyph"), network, sum, { exact, label: "A less B plus C" });
  Object.assign(box.dataset, { hand: codeOf(sum), digit: strongest(sum) ?? "" });
}

function drawing() {
  const { network, model, sum } = shown;
  return sheetOf(`${modelOf(model).file}_a-b+c`, [new Drawn(network, sum)], 1, 0);
}
