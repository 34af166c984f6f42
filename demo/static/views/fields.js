// What visitors type, turned into numbers, digits and points of latent space. An `InputError` names its control in `field`.

import dcgan from "../engine/index.js";

export { MAX_SEED } from "../engine/random.js";
export const TYPING = 700; // milliseconds until a mistake is told: the visitor may type on

// Return an error's message with a capital letter and a full stop.
export const sentence = (message) => `${message[0].toUpperCase()}${message.slice(1)}.`;

// Return what `work` returns. An `InputError` thrown in it is about the control `name`.
export function about(name, work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof dcgan.InputError) error.field ??= name;
    throw error;
  }
}

// Throw an `InputError` about the control `name`.
export function refuse(name, message) {
  about(name, () => { throw new dcgan.InputError(message); });
}

// Return a whole number from low to high.
export function wholeNumber(name, value, low, high) {
  if (value === null || value === undefined || value === "") refuse(name, `${name} is empty: it must be a whole number`);
  if (!Number.isInteger(value)) refuse(name, `${name} is ${value}: it must be a whole number`);
  if (value < low || value > high) refuse(name, `${name} is ${value}: it must be from ${low} to ${high}`);
  return value;
}

// Return the digit that a choice among "any" and 0 to 9 asks for; null is any. A model without digits is asked for none.
export const askedDigit = (choice, { num_classes: classes }) => (classes && choice !== "any" ? Number(choice) : null);

// Return the words of a text like "15 24:7, 3".
export const wordsOf = (text) => (text ?? "").split(/[\s,;]+/).filter(Boolean);

// Return [[hand, digit or null], …] of a text like "15 24:7 3".
export function parseKeys(name, text, config) {
  return wordsOf(text).map((word) => {
    const colon = word.indexOf(":"), digit = word.slice(colon + 1);
    if (colon < 0) return [word, null];
    if (!/^([0-9]|any)$/.test(digit)) refuse(name, `digit is '${digit}': it must be any, or 0 to 9`);
    return [word.slice(0, colon), askedDigit(digit, config)];
  });
}

// Return the point of a hand, which is a seed or a code.
export function pointOf(name, hand, { model, digit = null, truncation = 1 }) {
  return about(name, () => dcgan.point(hand ?? "", { model, digit, truncation }));
}

// Return the digit that weighs most in a point, null without digits.
export const strongest = ({ digits }) => (digits ? digits.indexOf(Math.max(...digits)) : null);

// Return the code of a point, which any field for a hand takes.
export const codeOf = (point) => dcgan.encode(point.latent, strongest(point));
