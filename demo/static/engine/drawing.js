// A visitor's drawing as 28x28 pixels in MNIST's layout, and as a text for a link.

import { roundHalfToEven } from "./codes.js";
import { InputError } from "./errors.js";

const SIDE = 28, INK = 40; // a pixel of at least this value counts as ink

// Return for each of `to` pixels which of `from` pixels it is made of, as Pillow's resize: [[first, [weights]], …].
function windows(from, to, shrinks) {
  const ratio = from / to, scale = Math.max(ratio, 1), reach = (shrinks ? 0.5 : 2) * scale;
  const box = (x) => Number(x > -0.5 && x <= 0.5);
  const cubic = (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * ratio;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5)), end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const weights = Array.from({ length: end - first }, (_, k) => {
      const x = (first + k - centre + 0.5) / scale;
      return shrinks ? box(x) : cubic(Math.abs(x));
    });
    const sum = weights.reduce((total, weight) => total + weight);
    return [first, weights.map((weight) => weight / sum)];
  });
}

// Return pixels (height, width) as (width, to), each row resized and the picture turned over: twice is the picture.
function resizeRows(pixels, width, to, shrinks) {
  const height = pixels.length / width, found = new Uint8ClampedArray(height * to);
  windows(width, to, shrinks).forEach(([first, weights], x) => {
    for (let y = 0; y < height; y++) {
      const sum = weights.reduce((total, weight, k) => total + weight * pixels[y * width + first + k], 0);
      found[x * height + y] = Math.floor(sum + 0.5);
    }
  });
  return found;
}

// Return a drawing (size * size) from 0 to 255, white on black, in MNIST's layout: {pixels, sheet}. pixels: 28x28, the ink
// fits 20x20 of them, and its centre of mass is in the middle (LeCun et al. 1998, section III.A). sheet: [left, top,
// side], where the sheet that was drawn on lies in these pixels. Null if there is no ink.
export function normaliseDrawing(drawing, size) {
  let left = size, right = -1, top = size, bottom = -1;
  drawing.forEach((value, at) => {
    if (value < INK) return;
    const x = at % size, y = (at - x) / size;
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  });
  if (right < 0) return null;
  const width = right - left + 1, height = bottom - top + 1, scale = 20 / Math.max(width, height);
  const [across, down] = [width, height].map((length) => Math.max(1, roundHalfToEven(length * scale)));
  const ink = Uint8Array.from({ length: width * height }, (_, at) => {
    const x = at % width;
    return drawing[(top + (at - x) / width) * size + left + x];
  });
  const turned = resizeRows(ink, width, across, scale < 1); // (across, height)
  const small = resizeRows(turned, height, down, scale < 1); // (down, across)
  let mass = 0, massX = 0, massY = 0;
  small.forEach((value, at) => {
    mass += value;
    massX += value * (at % across);
    massY += value * Math.floor(at / across);
  });
  if (!mass) return null; // too thin to see
  const start = (moment, length) => Math.max(0, Math.min(SIDE - length, roundHalfToEven(13.5 - moment / mass)));
  const x = start(massX, across), y = start(massY, down), pixels = new Uint8Array(SIDE * SIDE);
  for (let row = 0; row < down; row++) pixels.set(small.subarray(row * across, (row + 1) * across), (y + row) * SIDE + x);
  return { pixels, sheet: [x - left * scale, y - top * scale, size * scale] };
}

const through = async (stream, bytes) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

// Return 28x28 pixels as a text for a link.
export async function pack(pixels) {
  const bytes = await through(new CompressionStream("deflate"), pixels);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// Return the 28x28 pixels of a text from `pack`, here or in Python. Throws `InputError` for any other text.
export async function unpack(text) {
  try {
    const packed = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
    const pixels = await through(new DecompressionStream("deflate"), packed);
    if (pixels.length === SIDE * SIDE) return pixels;
  } catch {} // no base64, not compressed, cut short
  throw new InputError("the drawing in this link is damaged: draw it again");
}
