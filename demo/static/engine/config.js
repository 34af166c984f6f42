// What a model is: the fields of its config, as `ModelConfig` in dcgan/config.py has them.

import { InputError } from "./errors.js";

const FIELDS = {
  // name: [default, test, what is allowed]
  latent_dim: [100, (n) => n >= 2 && n <= 1024, "at least 2 and at most 1024"],
  base_channels: [64, (n) => n >= 4 && n <= 512, "at least 4 and at most 512"],
  discriminator_channels: [0, (n) => n >= 0 && n <= 512, "at least 0 and at most 512"], // 0: as base_channels
  image_size: [32, (n) => n === 32 || n === 64, "one of 32, 64"],
  image_channels: [1, (n) => n === 1 || n === 3, "one of 1, 3"],
  num_classes: [0, (n) => n === 0 || n === 10, "one of 0, 10"],
};

// Return a config with its defaults filled in. Throws `InputError` for a value that this engine cannot run.
export function checkConfig(values) {
  const unknown = Object.keys(values).filter((name) => !Object.hasOwn(FIELDS, name)).sort();
  if (unknown.length) throw new InputError(`ModelConfig has no field ${unknown.join(", ")}`);
  const config = {};
  for (const [name, [standard, test, allowed]] of Object.entries(FIELDS)) {
    const value = values[name] ?? standard;
    if (!Number.isInteger(value) || !test(value)) throw new InputError(`${name} is ${value}: it must be ${allowed}`);
    config[name] = value;
  }
  return config;
}

// Return the digits' weights as a Float32Array, null without digits. digits: a digit, or weights that mix digits.
export function digitWeights(digits, config) {
  const classes = config.num_classes;
  const none = digits === null || digits === undefined;
  if (none !== (classes === 0)) throw new InputError("a digit is needed by a conditional model, and by no other");
  if (none) return null;
  if (typeof digits !== "number") {
    if (digits.length !== classes) throw new InputError(`there are ${digits.length} weights for ${classes} digits`);
    return Float32Array.from(digits);
  }
  if (!Number.isInteger(digits) || digits < 0 || digits >= classes) {
    throw new InputError(`digit is ${digits}: it must be from 0 to ${classes - 1}`);
  }
  return Float32Array.from({ length: classes }, (_, digit) => Number(digit === digits));
}
