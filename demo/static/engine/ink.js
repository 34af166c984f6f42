// Grey pixels to ink: a picture's outline as one path of smooth curves.
//
// 1. Two cubic B-splines go over the pixels: one through them, which is wavy, and one near them, which is smooth but
//    closes small holes. The smooth one is taken, but its outline may be only about SHIFT pixels away from the wavy
//    one's: their values may differ by SHIFT times the slope. So they are equal where a hole opens or a gap closes.
// 2. Marching squares on a grid of a quarter pixel finds the outline: loops around ink and around holes.
// 3. Each loop is resampled by its length and smoothed along itself, which can close no hole.
// 4. The points become the control points of a closed quadratic B-spline: quadratic curves through their midpoints.
//
// Specks are dropped. A small island of ink is drawn smaller than it is, so that in a morph it grows from nothing.
// Only +, -, *, / and square roots are used, in double precision: dcgan/ink.py gives the same path.

import { InputError } from "./errors.js";

export const UNITS = 100; // of a path to one pixel
export const VIEW_BOX = `${2 * UNITS} ${2 * UNITS} ${28 * UNITS} ${28 * UNITS}`; // MNIST's 28x28 pixels
const SIZE = 32, PAD = 2, WIDE = SIZE + 2 * PAD, FINE = 4; // the grid's points to one pixel
const GRID = (WIDE - 3) * FINE; // its points along one side, from one pixel outside the picture
const LEVEL = 0.45; // of the outline: 0 is paper, 1 is ink
const SHIFT = 0.05; // about how many pixels the smooth outline may be away from the one through the pixels
const BAND = 0.4; // of values around LEVEL: others have no part in the outline
const PAPER = 0.1; // below it there is nothing to draw
const SPECK = 0.5, ISLAND = 2; // pixels of area: dropped, drawn whole
const SPACING = 1.1, FEWEST = 8; // pixels between control points; how many there are at least
const ROUNDS = 4, SMOOTHING = [0.6, 0.6, -0.62, -0.62]; // in, then out: a loop keeps its size (Taubin 1995)
const POLE = Math.sqrt(3) - 2; // of the filter for the spline that goes through its points

const WEIGHTS = Array.from({ length: FINE }, (_, j) => {
  const t = j / FINE, s = 1 - t; // of the cubic B-spline's four coefficients, at a quarter pixel each
  return [(s * s * s) / 6, (4 - 6 * t * t + 3 * t * t * t) / 6, (4 - 6 * s * s + 3 * s * s * s) / 6, (t * t * t) / 6];
});
const coefficients = new Float64Array(WIDE * WIDE), nearLines = new Float64Array(WIDE * GRID);
const throughLines = nearLines.slice(), through = new Float64Array(GRID * GRID), grid = through.slice();
const visited = new Uint8Array(GRID * GRID);
const xs = new Float64Array(2 * GRID * GRID), ys = xs.slice(), lengths = xs.slice(); // of a loop's points

// Fill `coefficients` with a picture (32 * 32) in [-1, 1]; return the first and last lines and columns of the grid that
// its ink needs.
function readPixels(picture) {
  let top = WIDE, bottom = 0, left = WIDE, right = 0;
  coefficients.fill(0);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const value = Math.max(0, Math.min(1, (picture[y * SIZE + x] + 1) / 2)) || 0; // NaN is paper
      coefficients[(y + PAD) * WIDE + x + PAD] = value;
      if (value < PAPER) continue;
      top = Math.min(top, y + PAD);
      bottom = y + PAD;
      left = Math.min(left, x + PAD);
      right = Math.max(right, x + PAD);
    }
  }
  // A grid point at pixel p + j / 4 reads the coefficients p - 1 to p + 2. Grid point 0 is at padded pixel 1.
  const first = (pixel) => Math.max(0, (pixel - PAD - 1) * FINE);
  const last = (pixel) => Math.min(GRID, (pixel + 1) * FINE + 1);
  return { x0: first(left), x1: last(right), y0: first(top), y1: last(bottom) };
}

// Turn `coefficients` into those of the spline through their values, along every line in one direction (Unser 1999).
function sharpen(along, across) {
  for (let line = 0; line < WIDE; line++) {
    const start = line * across, end = start + (WIDE - 1) * along;
    for (let i = start + along; i <= end; i += along) coefficients[i] += POLE * coefficients[i - along];
    coefficients[end] *= -POLE / (1 - POLE * POLE);
    for (let i = end - along; i >= start; i -= along) coefficients[i] = POLE * (coefficients[i + along] - coefficients[i]);
    for (let i = start; i <= end; i += along) coefficients[i] *= 6;
  }
}

// Fill the box of `lines` with the spline of `coefficients` along each line of pixels.
function stretch(lines, { x0, x1, y0, y1 }) {
  for (let y = y0 / FINE; y < Math.min(WIDE, y1 / FINE + 3); y++) {
    for (let x = x0, from = y * WIDE + x0 / FINE; x < x1; x += FINE, from++) {
      const a = coefficients[from], b = coefficients[from + 1], c = coefficients[from + 2], d = coefficients[from + 3];
      for (let j = 0; j < FINE; j++) {
        const weight = WEIGHTS[j];
        lines[y * GRID + x + j] = a * weight[0] + b * weight[1] + c * weight[2] + d * weight[3];
      }
    }
  }
}

// Fill the box of `grid`.
function interpolate(box) {
  const { x0, x1, y0, y1 } = box;
  stretch(nearLines, box);
  sharpen(1, WIDE);
  sharpen(WIDE, 1);
  stretch(throughLines, box);
  for (let y = y0; y < y1; y++) {
    const [w0, w1, w2, w3] = WEIGHTS[y % FINE], line = Math.floor(y / FINE) * GRID;
    for (let x = x0; x < x1; x++) {
      const a = line + x, b = a + GRID, c = b + GRID, d = c + GRID;
      through[y * GRID + x] = throughLines[a] * w0 + throughLines[b] * w1 + throughLines[c] * w2 + throughLines[d] * w3;
    }
  }
  grid.fill(0); // paper at the edge of the box, so that every loop closes
  for (let y = y0 + 1; y < y1 - 1; y++) {
    const [w0, w1, w2, w3] = WEIGHTS[y % FINE], line = Math.floor(y / FINE) * GRID;
    for (let x = x0 + 1; x < x1 - 1; x++) {
      const at = y * GRID + x, value = (grid[at] = through[at]);
      if (Math.abs(value - LEVEL) > BAND) continue;
      const slope = Math.abs(through[at + 1] - through[at - 1]) + Math.abs(through[at + GRID] - through[at - GRID]);
      const limit = ((SHIFT * FINE) / 2) * slope, a = line + x, b = a + GRID, c = b + GRID, d = c + GRID;
      const near = nearLines[a] * w0 + nearLines[b] * w1 + nearLines[c] * w2 + nearLines[d] * w3;
      grid[at] = value + Math.max(-limit, Math.min(limit, near - value));
    }
  }
}

// Walk once around a loop, ink on the left, from the grid's edge between `paper` and the ink right of it.
// Return the number of points, which are in `xs` and `ys`, in pixels.
function walk(paper) {
  let out = paper, inside = paper + 1, forward = GRID, count = 0;
  do {
    if (forward === GRID) visited[out] = 1;
    const t = (LEVEL - grid[out]) / (grid[inside] - grid[out]), step = inside - out;
    const x = out % GRID, y = (out - x) / GRID;
    xs[count] = (x + (step === 1 ? t : step === -1 ? -t : 0)) / FINE - 0.5;
    ys[count] = (y + (step === GRID ? t : step === -GRID ? -t : 0)) / FINE - 0.5;
    count++;
    const left = inside + forward, right = out + forward;
    const leftInk = grid[left] >= LEVEL, rightInk = grid[right] >= LEVEL;
    // At a saddle the middle decides which two corners belong together.
    const turnRight = rightInk && (leftInk || grid[left] + grid[right] + grid[inside] + grid[out] >= 4 * LEVEL);
    if (turnRight) [inside, forward] = [right, -step];
    else if (leftInk) [inside, out] = [left, right];
    else [out, forward] = [left, step];
  } while (out !== paper || inside !== paper + 1);
  return count;
}

// Return the area of the loop of `count` points, positive around ink and negative around a hole; fill `lengths`.
function measure(count) {
  let area = 0;
  lengths[0] = 0;
  for (let i = 0; i < count; i++) {
    const next = i + 1 === count ? 0 : i + 1, x = xs[next] - xs[i], y = ys[next] - ys[i];
    area += xs[next] * ys[i] - xs[i] * ys[next];
    lengths[i + 1] = lengths[i] + Math.sqrt(x * x + y * y);
  }
  return area / 2;
}

// Return the box [left, right, top, bottom] of the loop of `count` points.
function bounds(count) {
  const x = xs.subarray(0, count), y = ys.subarray(0, count);
  return [Math.min(...x), Math.max(...x), Math.min(...y), Math.max(...y)];
}

// Return whether the loop that was walked last starts inside a box.
const isInside = ([left, right, top, bottom]) => xs[0] > left && xs[0] < right && ys[0] > top && ys[0] < bottom;

// Return the loop's x or y at `points` places, equally far from each other along the loop.
function resample(values, count, points) {
  const result = new Float64Array(points);
  for (let i = 0, at = 0; i < points; i++) {
    const length = (i * lengths[count]) / points;
    while (lengths[at + 1] <= length) at++;
    const t = (length - lengths[at]) / (lengths[at + 1] - lengths[at]);
    result[i] = values[at] + t * (values[at + 1 === count ? 0 : at + 1] - values[at]);
  }
  return result;
}

// Move every value towards its neighbours' mean, or away from it where the share is negative.
function relax(values, share) {
  const last = values[values.length - 1], first = values[0];
  for (let i = 0, before = last; i < values.length; i++) {
    const value = values[i], after = i + 1 === values.length ? first : values[i + 1];
    values[i] = value + share * ((before + after) / 2 - value);
    before = value;
  }
}

// Return the control points' x or y, in a path's units, scaled about their mean.
function control(values, scale) {
  const points = values.length / 2, result = new Int32Array(points);
  let mean = 0;
  for (let round = 0; round < ROUNDS; round++) for (const share of SMOOTHING) relax(values, share);
  for (let i = 0; i < values.length; i++) mean += values[i];
  mean /= values.length;
  for (let i = 0; i < points; i++) {
    const before = values[(2 * i - 2 + values.length) % values.length], after = values[(2 * i + 2) % values.length];
    const value = values[2 * i] - (before - 2 * values[2 * i] + after) / 8; // so that the curve passes here
    result[i] = 2 * Math.floor((mean + scale * (value - mean)) * (UNITS / 2) + 0.5); // even: midpoints are whole
  }
  return result;
}

// A traced picture. loops: [{x, y}], the control points of closed quadratic B-splines; holes: how many are holes.
export class Ink {
  constructor(loops, holes) {
    this.loops = loops;
    this.holes = holes;
  }

  // The outline in SVG's path language, for VIEW_BOX: quadratic curves from midpoint to midpoint.
  get path() {
    return (this.cachedPath ??= this.loops.map(({ x, y }) => {
      const last = x.length - 1;
      let atX = (x[last] + x[0]) / 2, atY = (y[last] + y[0]) / 2;
      let path = `M${atX} ${atY}q${x[0] - atX} ${y[0] - atY}`;
      for (let i = 0; i <= last; i++) {
        const next = i === last ? 0 : i + 1, toX = (x[i] + x[next]) / 2, toY = (y[i] + y[next]) / 2;
        path += `${i === 1 ? "t" : " "}${toX - atX} ${toY - atY}`;
        [atX, atY] = [toX, toY];
      }
      return `${path}z`;
    }).join(""));
  }

  // The same outline for a canvas, in the same units.
  get path2d() {
    return (this.cachedPath2d ??= this.loops.reduce((path, { x, y }) => {
      const last = x.length - 1;
      path.moveTo((x[last] + x[0]) / 2, (y[last] + y[0]) / 2);
      for (let i = 0; i <= last; i++) {
        const next = i === last ? 0 : i + 1;
        path.quadraticCurveTo(x[i], y[i], (x[i] + x[next]) / 2, (y[i] + y[next]) / 2);
      }
      path.closePath();
      return path;
    }, new Path2D()));
  }
}

// Return the `Ink` of a picture: 32 * 32 numbers in [-1, 1], as the generator made them.
export function trace(picture) {
  if (picture.length !== SIZE * SIZE) throw new InputError(`a picture has ${picture.length} pixels: ink needs 32 x 32`);
  const loops = [], small = []; // small: the boxes of small islands, which lose their holes
  let holes = 0;
  const box = readPixels(picture), { x0, x1, y0, y1 } = box;
  interpolate(box);
  visited.fill(0);
  for (let y = y0; y < y1; y++) {
    for (let at = y * GRID + x0; at < y * GRID + x1 - 1; at++) {
      if (grid[at] >= LEVEL || grid[at + 1] < LEVEL || visited[at]) continue;
      const count = walk(at), area = measure(count);
      if (area >= 0 && area < ISLAND) small.push(bounds(count));
      if (area < 0 ? small.some(isInside) : area <= SPECK) continue;
      const points = 2 * Math.max(FEWEST, Math.floor(lengths[count] / SPACING + 0.5));
      const scale = area < 0 ? 1 : Math.sqrt(Math.min(1, (area - SPECK) / (ISLAND - SPECK)));
      loops.push({ x: control(resample(xs, count, points), scale), y: control(resample(ys, count, points), scale) });
      if (area < 0) holes++;
    }
  }
  return new Ink(loops, holes);
}
