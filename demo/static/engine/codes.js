// A handwriting is a latent, named by a seed or by a code that holds its numbers.
//
// `z7.AbC…` is the code of a handwriting that wrote a 7: its latent in steps of 1/32, one byte each, as URL-safe
// base64. `z.AbC…` is one of a model without digits. Python reads and writes the same codes: dcgan/latents/codes.py.

import { InputError, quoted } from "./errors.js";
import { latentFromSeed, MAX_SEED } from "./random.js";

const STEPS = 32; // to 1: a latent's numbers reach from -4 to 4 - 1/32
const MAX_CODE = 2048; // characters: longer than the code of the longest latent

// Round to the nearest whole number, halves to the even one, as PyTorch does.
export function roundHalfToEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

const steps = (latent) =>
  Int8Array.from(latent, (number) => Math.max(-128, Math.min(127, roundHalfToEven(number * STEPS))));

// Return the nearest latent that a code can hold.
export function quantise(latent) {
  return Float32Array.from(steps(latent), (step) => step / STEPS);
}

// Return the code of a latent, quantised, and the digit that it wrote (null without digits).
export function encode(latent, digit) {
  const bytes = String.fromCharCode(...new Uint8Array(steps(latent).buffer));
  const body = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return `z${digit ?? ""}.${body}`;
}

// Return the bytes of URL-safe base64 as an Int8Array, empty if it is none.
function bytesOf(body) {
  const padded = body.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (body.length % 4)) % 4);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(padded) || padded.length % 4) return new Int8Array();
  return Int8Array.from(atob(padded), (character) => character.charCodeAt(0));
}

// Return {latent, digit} of a code. Throws `InputError` if it is not a code of this model.
export function decode(code, config) {
  const dot = code.indexOf(".");
  const head = dot < 0 ? code : code.slice(0, dot);
  const numbers = code.length > MAX_CODE || dot < 0 ? new Int8Array() : bytesOf(code.slice(dot + 1));
  const start = [...code].slice(0, 12).join("");
  if (!numbers.length || !/^z[0-9]?$/.test(head)) {
    throw new InputError(`${quoted(start)}… is not a code: codes look like z7.… or z.…`);
  }
  if (numbers.length !== config.latent_dim || (head === "z") !== (config.num_classes === 0)) {
    throw new InputError(`the code ${start}… is incomplete or belongs to another model`);
  }
  const latent = Float32Array.from(numbers, (step) => step / STEPS);
  return { latent, digit: head === "z" ? null : Number(head[1]) };
}

// Throw `InputError` for a digit that the model does not know; null and undefined pass.
function checkDigit(digit, config) {
  if (digit === null || digit === undefined) return;
  if (config.num_classes === 0) {
    throw new InputError("this model is unconditional: it cannot be asked for a digit");
  }
  if (!Number.isInteger(digit) || digit < 0 || digit >= config.num_classes) {
    throw new InputError(`digit is ${digit}: it must be from 0 to ${config.num_classes - 1}`);
  }
}

// Return {latent, digit} of a seed or a code. The digit is the one asked for, else the handwriting's own.
// Throws `InputError` for what is neither, and for a digit that the model does not know.
export function latentOf(hand, config, digit = null) {
  checkDigit(digit, config);
  const text = String(hand).trim();
  let found;
  if (text.startsWith("z")) {
    found = decode(text, config);
  } else if (/^[0-9]{1,10}$/.test(text)) {
    found = latentFromSeed(Number(text), config.latent_dim, config.num_classes);
  } else {
    const start = quoted([...text].slice(0, 20).join(""));
    throw new InputError(`${start} is not a hand: type a seed (0 to ${MAX_SEED}) or a code`);
  }
  return { latent: found.latent, digit: digit ?? found.digit };
}
