// The generator: a latent and a digit to a picture. dcgan/networks.py has the network.
//
// BatchNorm is folded into the weights before it and into a bias, which depends on the digit.
// A transposed convolution with stride 2 and a 4x4 kernel is four convolutions with a 2x2 kernel, one for each pixel
// of the 2x2 block that a pixel becomes. Each reads its input in place and writes its output in place.

import { checkConfig, digitWeights } from "./config.js";
import { InputError } from "./errors.js";
import { BYTES, folded, inside, Memory, padded } from "./layers.js";
import { readTensors } from "./safetensors.js";

const TAPS = 16; // of a 4x4 kernel

// Return the number of channels of each hidden layer of a generator, the first one first: [192, 96, 48].
export function hiddenWidths({ base_channels: base, image_size: size }) {
  return size === 64 ? [8 * base, 4 * base, 2 * base, base] : [4 * base, 2 * base, base];
}

// Return {tensor name: shape} of the generator's file.
function generatorShapes(config) {
  const { latent_dim: latent, image_channels: image, num_classes: classes } = config;
  const widths = hiddenWidths(config);
  const shapes = { "project.weight": [latent + classes, widths[0], 4, 4] };
  widths.forEach((width, i) => {
    shapes[`norms.${i}.running_mean`] = shapes[`norms.${i}.running_var`] = [width];
    shapes[`norms.${i}.num_batches_tracked`] = [];
    if (classes) shapes[`norms.${i}.class_bias.weight`] = [width, classes];
    if (i) shapes[`upsample.${i - 1}.weight`] = [widths[i - 1], width, 4, 4];
  });
  return { ...shapes, "to_image.weight": [widths.at(-1), image, 4, 4], "to_image.bias": [image] };
}

export class Generator {
  // buffer: the bytes of model.safetensors. simd: false takes the plain-JavaScript path.
  constructor(config, buffer, { simd = true, name = "the generator's file" } = {}) {
    this.config = checkConfig(config);
    this.widths = hiddenWidths(this.config);
    const tensors = readTensors(buffer, generatorShapes(this.config), name);
    this.memory = new Memory();
    this.#reserve();
    this.memory.open(simd);
    this.norms = this.widths.map((_, i) => folded(tensors, `norms.${i}`));
    this.#fillProject(tensors);
    this.#fillUpsample(tensors);
    this.#fillToImage(tensors);
  }

  #reserve() {
    const { memory, widths } = this;
    const { latent_dim: latent, num_classes: classes, image_channels: image } = this.config;
    this.input = memory.reserve(latent + classes);
    this.biases = widths.map((width) => memory.reserve(padded(width)));
    this.pictures = widths.map((width, i) => memory.picture(4 << i, padded(width))); // 4x4, 8x8, 16x16
    // One layer for each of the 4x4 pixels, then one for each of the 2x2 pixels that a pixel becomes.
    const layers = (count, rows, length, i) =>
      Array.from({ length: count }, () => memory.layer(rows, length, widths[i], this.biases[i]));
    this.project = layers(TAPS, 1, latent + classes, 0);
    this.upsample = widths.slice(1).map((_, i) => layers(4, 2, 2 * padded(widths[i]), i + 1));
    this.toImage = memory.layer(1, padded(widths.at(-1)), TAPS * image);
    this.taps = memory.reserve(this.pictures.at(-1).size ** 2 * TAPS * image);
  }

  #fillProject(tensors) {
    const weight = tensors["project.weight"], width = this.widths[0], { scale } = this.norms[0];
    this.project.forEach((layer, pixel) =>
      this.memory.fill(layer, width, (_, k, n) => weight[(k * width + n) * TAPS + pixel] * scale[n]));
  }

  #fillUpsample(tensors) {
    this.upsample.forEach((layers, i) => {
      const weight = tensors[`upsample.${i}.weight`], { scale } = this.norms[i + 1];
      const from = this.widths[i], to = this.widths[i + 1], { channels } = this.pictures[i];
      layers.forEach((layer, place) => {
        const [y, x] = [place >> 1, place & 1];
        this.memory.fill(layer, to, (row, k, n) => {
          const channel = k % channels, ky = 3 - y - 2 * row, kx = 3 - x - 2 * (k >= channels);
          return channel < from ? weight[(channel * to + n) * TAPS + ky * 4 + kx] * scale[n] : 0;
        });
      });
    });
  }

  #fillToImage(tensors) {
    const weight = tensors["to_image.weight"], from = this.widths.at(-1), channels = this.config.image_channels;
    this.memory.fill(this.toImage, TAPS * channels, (_, k, n) => (k < from ? weight[k * channels * TAPS + n] : 0));
    this.imageBias = tensors["to_image.bias"]; // column n is channel * 16 + ky * 4 + kx
  }

  // Return the picture of a latent as a Float32Array (channels * size * size) in [-1, 1].
  // digits: a digit, weights that add up to 1 and mix digits, or null without digits.
  draw(latent, digits = null) {
    const { memory, pictures, config } = this;
    const weights = digitWeights(digits, config);
    if (latent.length !== config.latent_dim) {
      throw new InputError(`the latent has ${latent.length} numbers: this model needs ${config.latent_dim}`);
    }
    const input = memory.view(this.input, config.latent_dim + config.num_classes);
    input.set(latent);
    if (weights) input.set(weights, latent.length);
    this.norms.forEach(({ shift, classBias }, i) => memory.setBias(this.biases[i], shift, classBias, weights));

    const first = pictures[0], start = inside(first);
    this.project.forEach((layer, pixel) => {
      const address = start.address + (pixel >> 2) * first.line + (pixel & 3) * start.step;
      memory.apply(layer, 1, 1, { address: this.input, step: 0, line: 0, row: 0 }, { ...start, address }, 0);
    });
    this.upsample.forEach((layers, i) => {
      const from = pictures[i], to = pictures[i + 1], step = from.channels * BYTES, block = inside(to);
      layers.forEach((layer, place) => {
        const [y, x] = [place >> 1, place & 1];
        memory.apply(
          layer, from.size, from.size,
          { address: from.address + y * from.line + x * step, step, line: from.line, row: from.line },
          { address: block.address + y * to.line + x * block.step, step: 2 * block.step, line: 2 * to.line }, 0,
        );
      });
    });
    return this.#toImage(pictures.at(-1));
  }

  // The last layer has few channels: its 16 taps are computed for each input pixel, then each output pixel adds 4.
  #toImage(from) {
    const { memory, toImage, taps } = this, { size } = from, channels = this.config.image_channels;
    const columns = TAPS * channels, step = columns * BYTES;
    memory.apply(
      toImage, size, size, { ...inside(from), row: 0 }, { address: taps, step, line: size * step }, 1,
    );
    const values = memory.view(taps, size * size * columns), side = 2 * size;
    const image = new Float32Array(channels * side * side);
    for (let channel = 0, at = 0; channel < channels; channel++) {
      for (let y = 0; y < side; y++) {
        // An output pixel has two input lines: the one above, then the one below; ky = y + 1 - 2 * line.
        const top = (y - 1) >> 1, ky = y + 1 - 2 * top;
        for (let x = 0; x < side; x++, at++) {
          const left = (x - 1) >> 1, kx = x + 1 - 2 * left;
          let sum = this.imageBias[channel];
          for (let line = top; line <= top + 1; line++) {
            if (line < 0 || line === size) continue;
            const tap = channel * TAPS + (ky - 2 * (line - top)) * 4 + kx;
            if (left >= 0) sum += values[(line * size + left) * columns + tap];
            if (left + 1 < size) sum += values[(line * size + left + 1) * columns + tap - 2];
          }
          image[at] = Math.tanh(sum);
        }
      }
    }
    return image;
  }
}
