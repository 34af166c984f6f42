// The digits of the wall lean and swell near the pointer, along the measured directions of slant and thickness. When the
// pointer leaves they settle back. Each frame says how far every digit should be; the scheduler draws what it has time
// for, nearest to the pointer first.

import dcgan from "../engine/index.js";
import { vectorsOf } from "./page.js";

const SWELL = 2.5, SLANT = 2.5; // at most, in standard deviations of a latent
const REACH = 1.3; // digits: where the effect has fallen to a third
const SETTLE = 70; // milliseconds for two thirds of the way
const WAVE = 900; // milliseconds
const WIDTH = 0.14; // of the wave, to the wall's

const amounts = new Map(); // element of a digit: [swell, slant]
let wall, paint;
let aim = null; // a function of a digit's middle and size that returns [swell, slant]; null at rest
let frame = 0, before = 0;

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Watch the pointer over the wall. repaint: draws the digit of an element.
export function watchPointer(element, repaint) {
  wall = element;
  paint = repaint;
  wall.addEventListener("pointermove", ({ clientX, clientY }) => {
    if (!calm()) follow((x, y, size) => near((clientX - x) / size, (clientY - y) / size));
  });
  for (const type of ["pointerleave", "pointercancel"]) wall.addEventListener(type, () => follow(null));
  wall.addEventListener("pointerup", ({ pointerType }) => pointerType === "mouse" || follow(null));
}

// Return how far a digit goes that has the pointer so many digits to its right and below.
function near(right, below) {
  const weight = Math.exp(-(right ** 2 + below ** 2) / REACH ** 2);
  return [SWELL * weight, SLANT * weight * Math.max(-1, Math.min(1, 1.5 * right))]; // towards the pointer
}

function follow(next) {
  aim = next;
  if (frame || !(aim || amounts.size)) return;
  before = performance.now();
  frame = requestAnimationFrame(step);
}

function step(now) {
  const share = 1 - Math.exp(-Math.max(8, now - before) / SETTLE);
  before = now;
  frame = 0;
  let moving = false;
  for (const cell of wall.children) {
    const { left, top, width, height } = cell.getBoundingClientRect(), old = amounts.get(cell) ?? [0, 0];
    const wanted = aim?.(left + width / 2, top + height / 2, width) ?? [0, 0];
    const next = wanted.map((to, i) => (Math.abs(to - old[i]) < 0.04 ? to : old[i] + (to - old[i]) * share));
    if (next.every((value, i) => Math.abs(value - old[i]) < 1e-3)) continue;
    moving = true;
    if (next.some((value) => Math.abs(value) > 1e-3)) amounts.set(cell, next);
    else amounts.delete(cell);
    paint(cell);
  }
  if (moving || aim?.runs) frame = requestAnimationFrame(step);
}

// Return the latent of a digit as the pointer has moved it.
export function leaned(cell, latent, model) {
  const [swell, slant] = amounts.get(cell) ?? [], vectors = amounts.has(cell) && vectorsOf(model);
  return vectors ? dcgan.move(latent, latent.map((_, i) => swell * vectors[0][i] + slant * vectors[1][i]), 1) : latent;
}

// Bring all digits back at once.
export function stop() {
  cancelAnimationFrame(frame);
  frame = 0;
  aim = null;
  const moved = [...amounts.keys()];
  amounts.clear();
  moved.forEach(paint);
}

let busy = false; // whether the visitor has begun to do something
for (const type of ["pointerdown", "keydown", "wheel"]) {
  addEventListener(type, () => { busy = true; }, { capture: true, passive: true, once: true });
}

// On the first visit, let a wave run once through the wall from left to right.
export function greet() {
  if (stored("dcgan-greeted") || busy || aim || scrollY || calm() || document.hidden) return;
  const start = performance.now(), { left, width } = wall.getBoundingClientRect();
  const wave = (x) => {
    const crest = (1 + 4 * WIDTH) * ((performance.now() - start) / WAVE) - 2 * WIDTH, from = ((x - left) / width - crest) / WIDTH;
    const height = Math.exp(-(from ** 2));
    return [SWELL * height, -SLANT * height * Math.max(-1, Math.min(1, from))];
  };
  wave.runs = true;
  follow(wave);
  setTimeout(() => aim === wave && follow(null), WAVE);
}

// Return whether the browser has stored this key before, and store it.
function stored(key) {
  try {
    const found = localStorage.getItem(key);
    localStorage.setItem(key, "1");
    return found !== null;
  } catch {
    return true; // without storage every visit would be the first
  }
}
