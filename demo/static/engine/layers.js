// What the networks are built of: one memory, pictures in it, and layers of weights.
//
// A picture lies in memory pixel by pixel, the channels of a pixel side by side, with a border of zeros. So a row of
// a convolution's window is one stretch of memory, and every layer is the product of matmul.wat.
// Channels are padded with zeros to a multiple of 8, the width of that product.

import { openMemory } from "./matmul.js";

const PANEL = 8; // columns of weights that are computed at once
export const BYTES = 4; // of a float32

export const padded = (channels) => Math.ceil(channels / PANEL) * PANEL;

// A network's memory. Everything is reserved first, then the memory is opened. Addresses are in bytes.
export class Memory {
  #bytes = 0;

  reserve(floats) {
    const address = this.#bytes;
    this.#bytes += Math.ceil(floats / PANEL) * PANEL * BYTES;
    return address;
  }

  // A square picture with a border of one pixel.
  picture(size, channels) {
    const line = (size + 2) * channels * BYTES; // bytes from one line to the next
    return { size, channels, line, address: this.reserve((size + 2) ** 2 * channels) };
  }

  // Weights of a window of `rows` stretches of `length` floats for `outputs` channels, and a bias, its own or shared.
  layer(rows, length, outputs, bias = this.reserve(padded(outputs))) {
    const weights = this.reserve(rows * length * padded(outputs));
    return { rows, length, outputs: padded(outputs), weights, bias };
  }

  open(simd) {
    Object.assign(this, openMemory(this.#bytes, simd)); // floats, panel
  }

  // Return a view of so many floats at an address.
  view(address, floats) {
    return this.floats.subarray(address / BYTES, address / BYTES + floats);
  }

  // Set a layer's weights: value(row, k, output) for every output below `outputs`; the padding stays zero.
  fill({ rows, length, weights }, outputs, value) {
    const { floats } = this;
    for (let output = 0; output < outputs; output++) {
      const panel = weights / BYTES + (output - (output % PANEL)) * rows * length + (output % PANEL);
      for (let row = 0, at = panel; row < rows; row++) {
        for (let k = 0; k < length; k++, at += PANEL) floats[at] = value(row, k, output);
      }
    }
  }

  // Return one of a layer's weights.
  weight({ rows, length, weights }, row, k, output) {
    const panel = weights / BYTES + (output - (output % PANEL)) * rows * length + (output % PANEL);
    return this.floats[panel + (row * length + k) * PANEL];
  }

  // Set a bias to a BatchNorm's shift, plus the digits' own biases by their weights (null without digits).
  setBias(address, shift, classBias, weights) {
    const bias = this.view(address, shift.length);
    bias.set(shift);
    weights?.forEach((weight, digit) => {
      if (weight === 0) return;
      for (let n = 0; n < bias.length; n++) bias[n] += weight * classBias[n * weights.length + digit];
    });
  }

  // Apply a layer to `lines` lines of `pixels` windows each.
  // from: {address, step, line, row}, the bytes from a window to the next, to that of the next line, and from row to
  // row inside a window. to: {address, step, line}. slope: 0 is ReLU, 0.2 LeakyReLU, 1 neither.
  apply(layer, lines, pixels, from, to, slope) {
    const { rows, length, outputs, weights, bias } = layer;
    for (let output = 0; output < outputs; output += PANEL) {
      const panel = weights + output * rows * length * BYTES;
      for (let line = 0; line < lines; line++) {
        this.panel(
          from.address + line * from.line, from.step, rows, from.row, length, panel, bias + output * BYTES,
          to.address + line * to.line + output * BYTES, to.step, pixels, slope,
        );
      }
    }
  }

  // A convolution's window over a picture with a border: the same stride in both directions.
  convolve(layer, from, to, stride, slope) {
    const step = stride * from.channels * BYTES;
    this.apply(
      layer, to.size, to.size,
      { address: from.address, step, line: stride * from.line, row: from.line }, inside(to), slope,
    );
  }
}

// Return where a picture's pixels lie inside its border.
export function inside({ address, channels, line }) {
  return { address: address + line + channels * BYTES, step: channels * BYTES, line };
}

// Return {scale, shift, classBias} of a BatchNorm with running statistics, arrays over the channels.
// The scale goes into the weights before it, the shift into the bias. classBias: (channels, digits), or undefined.
export function folded(tensors, name) {
  const mean = tensors[`${name}.running_mean`], variance = tensors[`${name}.running_var`];
  const weight = tensors[`${name}.weight`], bias = tensors[`${name}.bias`];
  const scale = Float64Array.from(variance, (value, n) => (weight?.[n] ?? 1) / Math.sqrt(value + 1e-5));
  const shift = scale.map((value, n) => (bias?.[n] ?? 0) - mean[n] * value);
  return { scale, shift, classBias: tensors[`${name}.class_bias.weight`] };
}
