// Seeds to latents and digits, with the numbers that PyTorch draws on a CPU.
//
// PyTorch seeds a Mersenne Twister (MT19937, Matsumoto & Nishimura 1998) and makes normal numbers from its words
// by the Box-Muller transform. `torch.randn` has two ways: one for 16 numbers or more, one for fewer.

import { InputError } from "./errors.js";

export const MAX_SEED = 2 ** 32 - 1; // PyTorch uses the lower 32 bits of a seed
const WORDS = 624, MIDDLE = 397, BLOCK = 16;
const TWO_PI = Math.fround(2 * Math.PI);

// Return a function that returns the next 32-bit word of the seed's Mersenne Twister.
function mersenneTwister(seed) {
  const state = new Uint32Array(WORDS);
  state[0] = seed;
  for (let i = 1; i < WORDS; i++) {
    const last = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(last, 1812433253) + i;
  }
  let next = WORDS;

  function twist() {
    for (let i = 0; i < WORDS; i++) {
      const bits = (state[i] & 0x80000000) | (state[(i + 1) % WORDS] & 0x7fffffff);
      state[i] = state[(i + MIDDLE) % WORDS] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
    }
    next = 0;
  }

  return () => {
    if (next === WORDS) twist();
    let word = state[next++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  };
}

// Turn 16 uniform numbers into 16 normal ones, in place: the first 8 are radii, the last 8 angles.
// PyTorch computes in float32. Rounding the angle matters most, for it is as large as 2 pi.
function boxMuller(numbers, start) {
  for (let i = start; i < start + BLOCK / 2; i++) {
    const radius = Math.fround(Math.sqrt(Math.fround(-2 * Math.fround(Math.log(1 - numbers[i])))));
    const angle = Math.fround(TWO_PI * numbers[i + BLOCK / 2]);
    numbers[i] = radius * Math.cos(angle);
    numbers[i + BLOCK / 2] = radius * Math.sin(angle);
  }
}

// Draw as `torch.randn` does for 16 numbers or more: uniform numbers of 24 bits, transformed in blocks of 16.
// If the length is no multiple of 16, the last 16 numbers are drawn again.
function manyNormals(length, word) {
  const numbers = new Float32Array(length);
  const draw = (start) => {
    for (let i = start; i < length; i++) numbers[i] = (word() & 0xffffff) / 2 ** 24;
  };
  draw(0);
  for (let start = 0; start + BLOCK <= length; start += BLOCK) boxMuller(numbers, start);
  if (length % BLOCK) {
    draw(length - BLOCK);
    boxMuller(numbers, length - BLOCK);
  }
  return numbers;
}

// Draw as `torch.randn` does for fewer than 16 numbers: one pair after the other, from uniforms of 53 bits.
function fewNormals(length, word) {
  const uniform = () => {
    const high = word() & 0x1fffff;
    return (high * 2 ** 32 + word()) / 2 ** 53;
  };
  const numbers = new Float32Array(length);
  for (let i = 0; i < length; i += 2) {
    const angle = 2 * Math.PI * uniform();
    const radius = Math.sqrt(-2 * Math.log1p(-uniform()));
    numbers[i] = radius * Math.cos(angle);
    if (i + 1 < length) numbers[i + 1] = radius * Math.sin(angle);
  }
  return numbers;
}

const KEPT = 500; // seeds: while a slider moves the same ones are asked for again and again
const drawn = new Map();

// Return {latent: Float32Array(latentDim), digit}: the latent ~ N(0, 1) of a seed, and the digit that it decides.
// The digit is null where numClasses is 0.
export function latentFromSeed(seed, latentDim = 100, numClasses = 0) {
  if (!Number.isInteger(seed) || seed < 0 || seed > MAX_SEED) {
    throw new InputError(`seed is ${seed}: it must be from 0 to ${MAX_SEED}`);
  }
  const key = `${seed} ${latentDim} ${numClasses}`;
  if (!drawn.has(key)) {
    if (drawn.size >= KEPT) drawn.clear();
    const word = mersenneTwister(seed);
    const latent = latentDim < BLOCK ? fewNormals(latentDim, word) : manyNormals(latentDim, word);
    drawn.set(key, { latent, digit: numClasses ? word() % numClasses : null });
  }
  const { latent, digit } = drawn.get(key);
  return { latent: latent.slice(), digit };
}
