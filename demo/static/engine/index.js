// The engine: a generator of handwritten digits in the browser.
// It offers `globalThis.dcgan` to the page, to tests and to whoever opens the console:
//
//     await dcgan.sample({ model: "mnist-conditional", seeds: [1, 2, 3], digit: 7 })
//
// It knows nothing of the page around it. `init` tells it which models there are and where their weights lie.

import { decode, encode, latentOf, quantise } from "./codes.js";
import { InputError } from "./errors.js";
import { trace, VIEW_BOX } from "./ink.js";
import { along, between, lerp, mapPoint, move, pointOf, route, slerp } from "./interpolation.js";
import { Models } from "./models.js";
import { scorePicture } from "./networks.js";
import { from28x28, to28x28, toGrey32, toUint8 } from "./pictures.js";
import { Scheduler } from "./scheduler.js";

let known = new Models();
let started = false;
const scheduler = new Scheduler();

// Tell the engine the models: `entries` as in models.js, the first one is the standard one.
// simd: false takes the plain-JavaScript path; fetch: another one than the browser's; both count in the first call only.
// Call it again with a new list.
// Return the names of the models whose weights are others than before.
function init({ models: entries, simd, fetch }) {
  if (started) return known.update(entries);
  started = true;
  known = new Models(entries, { simd, fetch });
  return known.names;
}

// Keep all weights of a model in the browser, for use without a connection.
const keep = (model) => known.keep(model);

// Return [{name, config, loaded}] of all models.
function models() {
  return known.names.map((name) => ({ name, config: known.entry(name).config, loaded: known.isLoaded(name) }));
}

// Return {latent, digit} of a seed or a code. digit: the one asked for, null is the handwriting's own.
const latent = (hand, { model, digit = null } = {}) => latentOf(hand, known.entry(model).config, digit);

// Return the point {latent, digits} of a seed or a code, which `draw` and the ways of interpolation.js take.
const point = (hand, { model, ...options } = {}) => pointOf(hand, known.entry(model).config, options);

// Load a model and return {config, draw, trace, ink}, for views that draw at once:
// draw(point) is its picture, Float32Array in [-1, 1]; trace(picture) is the picture's `Ink`; ink(point) is both.
// refined: with this function it may begin with half of the weights, whose pictures look alike; called when all are
// there. `exact` says whether they are.
async function load(model, { refined = null } = {}) {
  let generator = await (refined ? known.roughGenerator(model) : known.generator(model)), whole = !refined;
  const { config } = generator;
  const draw = ({ latent, digits }) => generator.draw(latent, digits);
  const traceOf = (picture) => trace(toGrey32(picture, config));
  if (refined) {
    known.generator(model).then((exact) => {
      whole = true;
      if (exact === generator) return;
      generator = exact;
      refined();
    }, () => {}); // the next load tries again
  }
  return {
    config, draw, trace: traceOf, ink: (at) => traceOf(draw(at)),
    get exact() {
      return whole;
    },
  };
}

// Load what judges a model's pictures and return a function (picture, digits) -> {digit, confidence, realness}:
// see scorePicture in networks.js. digits: what was asked for, as a point has them.
async function loadScores(model) {
  const [discriminator, classifier] = await Promise.all([known.discriminator(model), known.classifier(model)]);
  return (picture, digits) => scorePicture(discriminator, classifier, toUint8(picture), digits);
}

// Load what finds the hands of drawings: see `Finder` in inversion.js.
async function loadFinder(model) {
  const [{ Finder }, ...networks] = await Promise.all([import("./inversion.js"), known.generator(model), known.classifier(model)]);
  return new Finder(...networks, known.options);
}

function join(pictures, config) {
  const images = new Uint8Array(pictures.length * 28 * 28);
  pictures.forEach((picture, i) => images.set(to28x28(toUint8(picture), config), i * 28 * 28));
  return images;
}

function digitsFor(digit, count) {
  if (!Array.isArray(digit)) return Array(count).fill(digit ?? null);
  if (digit.length !== count) {
    throw new InputError(`got ${digit.length} digits for ${count} seeds: give one for each seed`);
  }
  return digit;
}

// Return {images, digits} of seeds or codes: Uint8Array (N * 28 * 28), white ink on black, and Uint8Array (N),
// null without digits. digit: one for all, an array with one for each, or null: the seed decides.
async function sample({ model, seeds, digit = null, truncation = 1 }) {
  if (!seeds?.length) throw new InputError("there must be at least one seed");
  const { config } = known.entry(model), asked = digitsFor(digit, seeds.length);
  const points = Array.from(seeds, (seed, i) => pointOf(seed, config, { digit: asked[i], truncation }));
  const { draw } = await load(model);
  const digits = config.num_classes ? Uint8Array.from(points, ({ digits }) => digits.indexOf(1)) : null;
  return { images: join(points.map(draw), config), digits };
}

// Return {images, count} along 2 to 10 keys, [hand, digit] or a hand alone; the options of `route` and truncation.
async function interpolate({ model, keys, steps = 16, truncation = 1, ...options }) {
  const { config } = known.entry(model);
  const points = keys.map((key) => {
    const [hand, digit] = Array.isArray(key) ? key : [key, null];
    return pointOf(hand, config, { digit, truncation });
  });
  const way = route(points, steps, options), { draw } = await load(model);
  return { images: join(way.map(draw), config), count: way.length };
}

// Return the `Ink` of a picture: 28 * 28 pixels from 0 to 255, or a model's own floats in [-1, 1].
function ink(image, { model } = {}) {
  if (image.length === 28 * 28) return trace(from28x28(Uint8Array.from(image)));
  return trace(image.length === 32 * 32 ? image : toGrey32(image, known.entry(model).config));
}

// Return [{digit, confidence, realness}] of seeds or codes: the digit read, the classifier's probability of it, and
// the discriminator's probability that the picture is real.
async function score({ model, seeds, digit = null, truncation = 1 }) {
  const { config } = known.entry(model), asked = digitsFor(digit, seeds.length);
  const points = Array.from(seeds, (seed, i) => pointOf(seed, config, { digit: asked[i], truncation }));
  const [{ draw }, judge] = await Promise.all([load(model), loadScores(model)]);
  return points.map((at) => judge(draw(at), at.digits));
}

const dcgan = {
  init, keep, models, latent, point, load, loadScores, loadFinder, sample, interpolate, ink, score, scheduler,
  encode, decode, quantise, slerp, lerp, between, along, route, mapPoint, move, toUint8,
  InputError, VIEW_BOX,
};
globalThis.dcgan = dcgan;
export default dcgan;
