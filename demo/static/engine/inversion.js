// From a drawing to the hand that draws it best. A GAN has no encoder, so the latent is searched for.
//
// First the nearest of many digits that were drawn beforehand, at once. Then gradient descent in idle time. The latent
// stays on the shell |z| = sqrt(latent_dim), where the latents of training lie: off it the hand's other digits are none.

import { quantise } from "./codes.js";
import { digitWeights } from "./config.js";
import { inside, Memory } from "./layers.js";
import { place } from "./networks.js";
import { from28x28, toUint8 } from "./pictures.js";
import { latentFromSeed } from "./random.js";

const BANK = 3000, CELLS = 16; // digits that are drawn beforehand, and the side of what is kept of each
const STARTS = 6, TRIAL = 20, STEPS = 150; // so many starts for some steps, the best one for all of them
const RATE = 0.15, DECAY = [0.9, 0.99]; // of Adam (Kingma & Ba 2015)
const SECOND = 0.1; // the second likeliest digit is tried if its probability is at least this
const SLICE = 8, TELL = 100; // milliseconds of work at a time; between two answers
const SURE = 0.65, FAR = 26; // less sure, further apart: no digit. Of 400 test digits 1.5% are called so

// Return 28x28 pixels as a model's picture in [-1, 1], as `to_model_size` in Python does.
function toModelSize(pixels, { image_size: size, image_channels: channels }) {
  const grey = from28x28(pixels), scale = size / 32;
  return Float32Array.from({ length: channels * size * size }, (_, at) => {
    const x = at % size, y = Math.floor(at / size) % size;
    return grey[Math.floor(y / scale) * 32 + Math.floor(x / scale)];
  });
}

// Return {loss, slope} of a picture and its target: the mean square difference of the pixels plus that of the averages
// of blocks, and its derivative by each pixel. The blocks give a slope between strokes that do not overlap.
export function difference(picture, target, size, side = 4) {
  const count = picture.length, area = side ** 2, blocks = new Float32Array(count / area), slope = new Float32Array(count);
  const blockOf = Int32Array.from(slope, (_, at) =>
    Math.floor(at / size / side) * (size / side) + Math.floor((at % size) / side)); // `side` divides each channel's lines
  let loss = 0;
  for (let at = 0; at < count; at++) {
    slope[at] = picture[at] - target[at];
    loss += slope[at] ** 2;
    blocks[blockOf[at]] += slope[at] / area;
  }
  for (const block of blocks) loss += area * block ** 2;
  for (let at = 0; at < count; at++) slope[at] = (2 / count) * (slope[at] + blocks[blockOf[at]]);
  return { loss: loss / count, slope };
}

// The way back through a generator: a transposed convolution backwards is a convolution with the same weights.
// They are read from the generator's memory, where each BatchNorm's factor is in them.
export class Gradient {
  constructor(generator, simd = true) {
    this.generator = generator;
    const { config, widths, pictures, project, upsample, toImage } = generator, { image_channels: channels } = config;
    const memory = (this.memory = new Memory());
    this.pictures = [...pictures.map(({ size, channels }) => memory.picture(size, channels)), memory.picture(config.image_size, channels)];
    this.layers = this.pictures.slice(1).map((picture, i) => memory.layer(4, 4 * picture.channels, widths[i]));
    this.toLatent = memory.layer(4, 4 * this.pictures[0].channels, config.latent_dim);
    this.latent = memory.reserve(this.toLatent.outputs);
    memory.open(simd);
    const fill = (layer, outputs, picture, weight) => memory.fill(layer, outputs, (ky, k, output) => {
      const channel = k % picture.channels;
      return weight(ky, (k - channel) / picture.channels, channel, output);
    });
    const at = (layer, row, k, output) => generator.memory.weight(layer, row, k, output);
    fill(this.toLatent, config.latent_dim, this.pictures[0], (ky, kx, channel, output) => at(project[ky * 4 + kx], 0, output, channel));
    upsample.forEach((four, i) => {
      const { channels } = pictures[i];
      fill(this.layers[i], widths[i], this.pictures[i + 1], (ky, kx, channel, output) => {
        const y = (3 - ky) & 1, x = (3 - kx) & 1; // as #fillUpsample in generator.js: ky = 3 - y - 2 * row
        return at(four[2 * y + x], (3 - y - ky) / 2, ((3 - x - kx) / 2) * channels + output, channel);
      });
    });
    fill(this.layers.at(-1), widths.at(-1), this.pictures.at(-1), (ky, kx, channel, output) => at(toImage, 0, output, channel * 16 + ky * 4 + kx));
  }

  // Return {picture, loss, slope}: the picture of a latent, its difference to a target, and the derivative of that by
  // the latent, a view that the next call overwrites.
  of(latent, digits, target) {
    const { generator, memory, pictures, layers } = this, size = generator.config.image_size;
    const picture = generator.draw(latent, digits), { loss, slope } = difference(picture, target, size);
    place(memory, pictures.at(-1), slope.map((value, at) => value * (1 - picture[at] ** 2)), 0); // tanh
    for (let i = layers.length - 1; i >= 0; i--) {
      memory.convolve(layers[i], pictures[i + 1], pictures[i], 2, 1);
      this.#mask(generator.pictures[i], pictures[i]);
    }
    const first = pictures[0];
    memory.apply(this.toLatent, 1, 1, { ...inside(first), row: first.line }, { address: this.latent, step: 0, line: 0 }, 1);
    return { picture, loss, slope: memory.view(this.latent, latent.length) };
  }

  // ReLU: where the generator's picture is zero, so is the slope.
  #mask(drawn, { address, size, channels }) {
    const count = (size + 2) ** 2 * channels;
    const values = this.generator.memory.view(drawn.address, count), slopes = this.memory.view(address, count);
    for (let i = 0; i < count; i++) if (values[i] === 0) slopes[i] = 0;
  }
}

// Put a latent onto the shell.
function toShell(latent) {
  const scale = Math.sqrt(latent.length) / Math.max(Math.hypot(...latent), 1e-12);
  return latent.map((value) => value * scale);
}

// Return the averages of a picture's 16x16 blocks in grey levels.
function toCells(picture, { image_size: size }) {
  const cells = new Float32Array(CELLS ** 2).fill(127.5), block = size / CELLS, share = 127.5 * CELLS ** 2 / picture.length;
  for (let at = 0; at < picture.length; at++) {
    const x = at % size, y = Math.floor(at / size) % size;
    cells[Math.floor(y / block) * CELLS + Math.floor(x / block)] += picture[at] * share;
  }
  return cells;
}

// Return the root mean square difference of two pictures in grey levels.
function errorOf(picture, target) {
  const pixels = toUint8(picture), goal = toUint8(target);
  return Math.sqrt(pixels.reduce((sum, value, at) => sum + (value - goal[at]) ** 2, 0) / pixels.length);
}

const whenIdle = globalThis.requestIdleCallback ?? ((work) => setTimeout(work, 20)); // Safari has none

// Wait for a moment in which the page may work: soon, for what the visitor waits for, or when there is nothing else to do.
const pause = (soon) => new Promise((resolve) => {
  if (document.hidden) document.addEventListener("visibilitychange", resolve, { once: true });
  else soon ? setTimeout(resolve) : whenIdle(resolve);
});

const nearest = (starts) => starts.reduce((best, other) => (other.loss < best.loss ? other : best));

// Looks for the hand of one drawing at a time, in idle time and not while the page is hidden.
export class Finder {
  #bank = new Uint8Array(BANK * CELLS ** 2); // the digits of seeds 0, 1, …: of a model with digits, 0 to 9 in turn
  #drawn = 0;
  #gradient;
  #search = null;
  #working = false;

  // classifier: it reads the drawings.
  constructor(generator, classifier, { simd = true } = {}) {
    Object.assign(this, { generator, classifier, config: generator.config });
    this.#gradient = new Gradient(generator, simd);
    this.#work();
  }

  // Look for the hand of a drawing, 28x28 pixels from 0 to 255, and no longer for that of the drawing before.
  // digit: the one that it is, null tries the likeliest. told: called now with a guess, then with better ones:
  // {point, digit, error, reading, confidence, known, done}. The point's latent is quantised, as for a code. error: the
  // root mean square difference in grey levels. reading, confidence: the digit that the classifier reads in the
  // drawing and its probability. known: whether it looks like a digit, by this probability unless a digit was asked for,
  // and when `done` by the error too.
  find(pixels, { digit = null, told }) {
    const { config } = this, target = toModelSize(pixels, config), probabilities = this.classifier.probabilities(pixels);
    const [first, second] = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    const likely = probabilities[second] > SECOND ? [first, second] : [first];
    const starts = this.#nearest(target, digit === null ? likely : [digit]);
    this.#search = { target, starts, told, turn: 0, round: 0, reading: first, confidence: probabilities[first], asked: digit !== null };
    this.#tell();
    this.#work();
  }

  // Look no longer.
  stop() {
    this.#search = null;
  }

  #seedPoint(seed) {
    const { latent_dim: length, num_classes: classes } = this.config, digit = classes ? seed % classes : null;
    return { digit, latent: toShell(latentFromSeed(seed, length).latent), digits: digitWeights(digit, this.config) };
  }

  #draw() {
    const { latent, digits } = this.#seedPoint(this.#drawn);
    this.#bank.set(toCells(this.generator.draw(latent, digits), this.config).map(Math.round), this.#drawn * CELLS ** 2);
    this.#drawn += 1;
  }

  // Return the bank's nearest digits as points to start from. tried: the digits to look at, of a model with digits.
  #nearest(target, tried) {
    while (this.#drawn < 20 * STARTS) this.#draw(); // two for each digit
    const goal = toCells(target, this.config), found = [];
    for (let seed = 0; seed < this.#drawn; seed++) {
      if (this.config.num_classes && !tried.includes(seed % 10)) continue;
      const cells = this.#bank.subarray(seed * CELLS ** 2, (seed + 1) * CELLS ** 2);
      found.push({ seed, loss: difference(cells, goal, CELLS, 2).loss });
    }
    found.sort((a, b) => a.loss - b.loss);
    return found.slice(0, STARTS).map(({ seed, loss }) => {
      const point = this.#seedPoint(seed), zeros = () => new Float64Array(point.latent.length);
      return { ...point, loss, mean: zeros(), square: zeros() };
    });
  }

  // Take a step of Adam from one of the starts, each in turn, then back onto the shell.
  #step() {
    const search = this.#search, { starts, target } = search, start = starts[search.turn];
    const { loss, slope } = this.#gradient.of(start.latent, start.digits, target);
    const round = search.round + 1, rate = RATE * (1 + Math.cos(Math.PI * search.round / STEPS)) / 2;
    const [keepMean, keepSquare] = DECAY, { mean, square } = start;
    start.loss = loss;
    start.latent = toShell(start.latent.map((value, i) => {
      mean[i] = keepMean * mean[i] + (1 - keepMean) * slope[i];
      square[i] = keepSquare * square[i] + (1 - keepSquare) * slope[i] ** 2;
      const size = Math.sqrt(square[i] / (1 - keepSquare ** round)) + 1e-8;
      return value - rate * mean[i] / (1 - keepMean ** round) / size;
    }));
    search.turn = (search.turn + 1) % search.starts.length;
    if (search.turn) return;
    search.round = round;
    if (round === TRIAL) search.starts = [nearest(starts)];
    if (round < STEPS) return;
    this.#search = null;
    this.#tell(search, true);
  }

  #tell(search = this.#search, done = false) {
    const { starts, target, told, reading, confidence, asked } = search, best = nearest(starts);
    const point = { latent: quantise(best.latent), digits: best.digits };
    const error = errorOf(this.generator.draw(point.latent, point.digits), target);
    const known = (asked || confidence >= SURE) && !(done && error > FAR);
    search.last = performance.now();
    told({ point, digit: best.digit, error, reading, confidence, known, done });
  }

  async #work() {
    if (this.#working) return;
    this.#working = true;
    try {
      while (this.#search || this.#drawn < BANK) {
        await pause(this.#search);
        const end = performance.now() + SLICE;
        while (performance.now() < end && (this.#search || this.#drawn < BANK)) this.#search ? this.#step() : this.#draw();
        if (this.#search && end - this.#search.last > TELL) this.#tell();
      }
    } finally {
      this.#working = false;
    }
  }
}
