// What two networks say of a picture: the discriminator how real it is, the classifier which digit.
//
// dcgan/networks.py and dcgan/evaluation/classifier.py have the networks. Both are loaded when first needed.

import { checkConfig, digitWeights } from "./config.js";
import { hiddenWidths } from "./generator.js";
import { folded, inside, Memory, padded } from "./layers.js";
import { to28x28, toFloat } from "./pictures.js";
import { readTensors } from "./safetensors.js";

// Set the weights of a convolution, (outputs, inputs, kernel, kernel), over a picture of `channels` in memory.
function fillConvolution(memory, layer, weight, [outputs, inputs, kernel], channels, scale) {
  memory.fill(layer, outputs, (row, k, n) => {
    const channel = k % channels, column = (k - channel) / channels;
    return channel < inputs ? weight[((n * inputs + channel) * kernel + row) * kernel + column] * (scale?.[n] ?? 1) : 0;
  });
}

// Copy the channels of a picture into memory, pixel by pixel.
export function place(memory, { address, size, channels }, values, from) {
  const floats = memory.view(address, (size + 2) ** 2 * channels);
  for (let channel = 0; channel < values.length / size ** 2; channel++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        floats[((y + 1) * (size + 2) + x + 1) * channels + from + channel] = values[(channel * size + y) * size + x];
      }
    }
  }
}

// Return the number of channels of each hidden layer, the first one first: [48, 96, 192].
function widthsOf({ base_channels, discriminator_channels, image_size }) {
  return hiddenWidths({ base_channels: discriminator_channels || base_channels, image_size }).reverse();
}

// Return {tensor name: shape} of the discriminator's file.
function discriminatorShapes(config) {
  const { image_channels: image, num_classes: classes } = config, widths = widthsOf(config);
  const shapes = { "from_image.weight": [widths[0], image + classes, 4, 4], "from_image.bias": [widths[0]] };
  widths.slice(1).forEach((width, i) => {
    shapes[`downsample.${i}.weight`] = [width, widths[i], 4, 4];
    shapes[`norms.${i}.running_mean`] = shapes[`norms.${i}.running_var`] = [width];
    shapes[`norms.${i}.num_batches_tracked`] = [];
    if (classes) shapes[`norms.${i}.class_bias.weight`] = [width, classes];
  });
  return { ...shapes, "to_logit.weight": [1, widths.at(-1), 4, 4], "to_logit.bias": [1] };
}

export class Discriminator {
  // buffer: the bytes of discriminator.safetensors. simd: false takes the plain-JavaScript path.
  constructor(config, buffer, { simd = true, name = "the discriminator's file" } = {}) {
    this.config = checkConfig(config);
    const shapes = discriminatorShapes(this.config), tensors = readTensors(buffer, shapes, name);
    const { image_size: size, image_channels: image, num_classes: classes } = this.config;
    const widths = widthsOf(this.config), memory = (this.memory = new Memory());
    this.pictures = [memory.picture(size, image + classes)];
    widths.forEach((width, i) => this.pictures.push(memory.picture(size >> (i + 1), padded(width))));
    const names = ["from_image", ...widths.slice(1).map((_, i) => `downsample.${i}`), "to_logit"];
    this.layers = this.pictures.map(({ channels }, i) => memory.layer(4, 4 * channels, widths[i] ?? 1));
    this.logit = memory.reserve(this.layers.at(-1).outputs);
    memory.open(simd);
    this.norms = widths.slice(1).map((_, i) => folded(tensors, `norms.${i}`));
    names.forEach((name, i) => {
      const weight = `${name}.weight`, { channels } = this.pictures[i];
      fillConvolution(memory, this.layers[i], tensors[weight], shapes[weight], channels, this.norms[i - 1]?.scale);
      const bias = tensors[`${name}.bias`];
      if (bias) memory.view(this.layers[i].bias, bias.length).set(bias);
    });
  }

  // Return the probability that a picture is real: pixels (channels * size * size) from 0 to 255.
  // digits: a digit, weights that mix digits, or null without digits.
  realness(pixels, digits = null) {
    const { memory, pictures, layers } = this, { image_size: size, image_channels: image } = this.config;
    const weights = digitWeights(digits, this.config);
    place(memory, pictures[0], toFloat(pixels), 0);
    weights?.forEach((weight, digit) => {
      place(memory, pictures[0], new Float32Array(size ** 2).fill(weight), image + digit);
    });
    this.norms.forEach(({ shift, classBias }, i) => memory.setBias(layers[i + 1].bias, shift, classBias, weights));
    pictures.slice(1).forEach((to, i) => memory.convolve(layers[i], pictures[i], to, 2, 0.2));
    const last = pictures.at(-1);
    const from = { ...inside(last), row: last.line };
    memory.apply(layers.at(-1), 1, 1, from, { address: this.logit, step: 0, line: 0 }, 1);
    return 1 / (1 + Math.exp(-memory.view(this.logit, 1)[0]));
  }
}

const BLOCKS = [[1, 32, 1], [32, 32, 2], [32, 64, 1], [64, 64, 2], [64, 128, 1]]; // inputs, outputs, stride
const FEATURES = 128, DIGITS = 10;

// Return {tensor name: shape} of the digit classifier's file.
function classifierShapes() {
  const shapes = { "head.weight": [DIGITS, FEATURES], "head.bias": [DIGITS] };
  BLOCKS.forEach(([inputs, outputs], i) => {
    shapes[`body.${i}.0.weight`] = [outputs, inputs, 3, 3];
    for (const part of ["weight", "bias", "running_mean", "running_var"]) shapes[`body.${i}.1.${part}`] = [outputs];
    shapes[`body.${i}.1.num_batches_tracked`] = [];
  });
  return shapes;
}

export class DigitClassifier {
  // buffer: the bytes of classifier.safetensors.
  constructor(buffer, { simd = true, name = "the classifier's file" } = {}) {
    const shapes = classifierShapes(), tensors = readTensors(buffer, shapes, name);
    const memory = (this.memory = new Memory());
    let size = 28;
    this.pictures = [memory.picture(size, 1)];
    this.layers = BLOCKS.map(([inputs, outputs, stride]) => {
      this.pictures.push(memory.picture((size /= stride), outputs));
      return memory.layer(3, 3 * inputs, outputs);
    });
    memory.open(simd);
    this.layers.forEach((layer, i) => {
      const weight = `body.${i}.0.weight`, { scale, shift } = folded(tensors, `body.${i}.1`);
      fillConvolution(memory, layer, tensors[weight], shapes[weight], BLOCKS[i][0], scale);
      memory.view(layer.bias, shift.length).set(shift);
    });
    this.head = tensors["head.weight"];
    this.bias = tensors["head.bias"];
  }

  // Return the probability of each digit, Float64Array(10): pixels (28 * 28) from 0 to 255.
  probabilities(pixels) {
    const { memory, pictures, layers, head, bias } = this;
    place(memory, pictures[0], toFloat(pixels), 0);
    layers.forEach((layer, i) => memory.convolve(layer, pictures[i], pictures[i + 1], BLOCKS[i][2], 0));
    const last = pictures.at(-1), floats = memory.view(last.address, (last.size + 2) ** 2 * FEATURES);
    const features = new Float64Array(FEATURES);
    floats.forEach((value, i) => { features[i % FEATURES] += value / last.size ** 2; }); // the border adds zeros
    const logits = Float64Array.from(bias, (start, digit) =>
      features.reduce((sum, feature, n) => sum + feature * head[digit * FEATURES + n], start));
    const largest = Math.max(...logits), powers = logits.map((logit) => Math.exp(logit - largest));
    const total = powers.reduce((sum, power) => sum + power);
    return powers.map((power) => power / total);
  }
}

// Return {digit, confidence, realness} of a model's pixels from 0 to 255: the digit read and the classifier's
// probability of it; the discriminator's probability that the picture is real. asked: the digit asked for, or null.
export function scorePicture(discriminator, classifier, pixels, asked) {
  const probabilities = classifier.probabilities(to28x28(pixels, discriminator.config));
  const confidence = Math.max(...probabilities);
  return { digit: probabilities.indexOf(confidence), confidence, realness: discriminator.realness(pixels, asked) };
}
