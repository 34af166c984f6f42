// Ways through latent space, as dcgan/latents/interpolation.py walks them.
//
// A point is {latent: Float32Array, digits}: digits is Float32Array weights that mix digits, null without digits.

import { digitWeights } from "./config.js";
import { latentOf } from "./codes.js";
import { InputError } from "./errors.js";

const MAX_KEYS = 10;

// Return the straight line's point from a to b at t in [0, 1], exact at both ends.
export function lerp(a, b, t) {
  return a.map((value, i) => value * (1 - t) + b[i] * t);
}

// Return the great circle's point from a to b at t (Shoemake 1985), exact at both ends.
// Nearly parallel or opposite latents have no one great circle: there it is `lerp`.
export function slerp(a, b, t) {
  let product = 0, lengthA = 0, lengthB = 0;
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    lengthA += a[i] * a[i];
    lengthB += b[i] * b[i];
  }
  const cosine = product / Math.max(Math.sqrt(lengthA) * Math.sqrt(lengthB), 1e-8);
  if (Math.abs(cosine) > 1 - 1e-9) return lerp(a, b, t);
  const omega = Math.acos(cosine);
  const weightA = Math.sin((1 - t) * omega) / Math.sin(omega), weightB = Math.sin(t * omega) / Math.sin(omega);
  return a.map((value, i) => weightA * value + weightB * b[i]);
}

function checkTruncation(truncation) {
  if (!(truncation > 0 && truncation <= 1)) {
    throw new InputError(`truncation is ${truncation}: it must be above 0 and at most 1`);
  }
}

// Return the point of a handwriting (seed or code). digit: null is the handwriting's own.
// truncation: psi in (0, 1] scales the latent towards the typical digit.
export function pointOf(hand, config, { digit = null, truncation = 1 } = {}) {
  checkTruncation(truncation);
  const found = latentOf(hand, config, digit), psi = Math.fround(truncation);
  return { latent: found.latent.map((value) => value * psi), digits: digitWeights(found.digit, config) };
}

// Return the point between two points at t in [0, 1]: the latent along the great circle, the digits linearly.
export function between(a, b, t, spherical = true) {
  return { latent: (spherical ? slerp : lerp)(a.latent, b.latent, t), digits: a.digits && lerp(a.digits, b.digits, t) };
}

// Return the point at a place along key points: 1.5 is halfway from the second to the third.
// closed: after the last comes the first again. easing: "smooth" lingers at the key points.
export function along(points, place, { closed = false, spherical = true, easing = "even" } = {}) {
  const legs = points.length - (closed ? 0 : 1);
  const leg = Math.max(0, Math.min(Math.floor(place), legs - 1)), t = Math.max(0, Math.min(1, place - leg));
  const eased = easing === "smooth" ? t * t * (3 - 2 * t) : t;
  const from = points[leg], to = points[(leg + 1) % points.length];
  if (eased === 0 || eased === 1) return eased === 0 ? from : to;
  return between(from, to, eased, spherical);
}

// Return the points along 2 to 10 key points, every key point included: `steps` from one to the next, both included.
export function route(points, steps = 16, options = {}) {
  const { closed = false, easing = "even" } = options;
  if (!(points.length >= 2 && points.length <= MAX_KEYS)) {
    throw new InputError(`got ${points.length} key frames: it must be from 2 to ${MAX_KEYS}`);
  }
  if (!(Number.isInteger(steps) && steps >= 2)) throw new InputError(`steps is ${steps}: it must be at least 2`);
  if (easing !== "even" && easing !== "smooth") {
    throw new InputError(`easing is '${easing}': it must be one of even, smooth`);
  }
  const count = (points.length - (closed ? 0 : 1)) * (steps - 1) + (closed ? 0 : 1);
  return Array.from({ length: count }, (_, i) => {
    const leg = Math.floor(i / (steps - 1));
    return along(points, leg + (i - leg * (steps - 1)) / (steps - 1), options);
  });
}

// Return the point of the map at x, y in [0, 1] between four corners: top left, top right, bottom left, bottom right.
// First down the left and the right edge, then along the row.
export function mapPoint(corners, x, y) {
  if (corners.length !== 4) throw new InputError(`there are ${corners.length} corners: it must be 4`);
  return between(between(corners[0], corners[2], y), between(corners[1], corners[3], y), x);
}

// Return a latent moved along a unit vector by an amount, at its own length, so that the ends stay digits.
export function move(latent, vector, amount) {
  const moved = new Float32Array(latent.length);
  let before = 0, after = 0; // squares of the lengths
  for (let i = 0; i < latent.length; i++) {
    moved[i] = latent[i] + amount * vector[i];
    before += latent[i] ** 2;
    after += moved[i] ** 2;
  }
  const scale = Math.sqrt(before / Math.max(after, 1e-24));
  return moved.map((value) => value * scale);
}
