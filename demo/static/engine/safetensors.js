// Read a safetensors file: the length of its header (u64), the header (JSON), the numbers.
//
// As strict as dcgan/model_folder.py: exactly the expected names, shapes and types, and finite numbers. A tensor may have
// 16-bit floats, as on a page of plain files.

import { InputError } from "./errors.js";

const MAX_HEADER_BYTES = 64 * 1024;
const BYTES = { F32: 4, F16: 2, I64: 8 }; // of one number
const count = (shape) => shape.reduce((product, size) => product * size, 1);

// Zero times a number is zero, unless the number is not finite.
function allFinite(numbers) {
  let zero = 0;
  for (let i = 0; i < numbers.length; i++) zero += 0 * numbers[i];
  return zero === 0;
}

function headerOf(buffer, name) {
  const length = buffer.byteLength < 8 ? 0n : new DataView(buffer).getBigUint64(0, true);
  if (length < 2n || length > MAX_HEADER_BYTES || 8 + Number(length) > buffer.byteLength) {
    throw new InputError(`${name} is no valid safetensors file`);
  }
  const text = new TextDecoder().decode(new Uint8Array(buffer, 8, Number(length)));
  try {
    return { text, header: JSON.parse(text), start: 8 + Number(length) };
  } catch {
    throw new InputError(`${name} is no valid safetensors file: its header is no JSON`);
  }
}

// Return 16-bit floats as 32-bit ones: their bits are moved to where a 32-bit float has them, and the exponent's bias
// is mended by a multiplication, which is right for subnormal numbers, too. Infinity and NaN become NaN.
function widen(halves) {
  const words = Uint32Array.from(halves, (half) => ((half & 0x8000) << 16) | ((half & 0x7fff) << 13));
  return new Float32Array(words.buffer).map((number, i) => ((~halves[i] & 0x7c00) === 0 ? NaN : number * 2 ** 112));
}

// Return {tensor name: Float32Array} of the expected tensors, {tensor name: shape}.
// A BatchNorm's counter `num_batches_tracked` is checked too, and left out.
export function readTensors(buffer, expected, name = "the file of weights") {
  const { text, header, start } = headerOf(buffer, name);
  const names = Object.keys(header).filter((key) => key !== "__metadata__");
  const different = [
    ...names.filter((key) => !Object.hasOwn(expected, key)),
    ...Object.keys(expected).filter((key) => !Object.hasOwn(header, key)),
  ].sort();
  if (different.length) {
    throw new InputError(`${name} and its config differ in the weights ${different.slice(0, 5).join(", ")}`);
  }
  const tensors = {};
  let payload = 0;
  for (const key of names) {
    const shape = expected[key], isCounter = key.endsWith("num_batches_tracked");
    const { dtype, shape: found, data_offsets: offsets } = header[key];
    const bytes = count(shape) * BYTES[dtype];
    if (!(isCounter ? ["I64"] : ["F32", "F16"]).includes(dtype) || String(found) !== String(shape)) {
      throw new InputError(`${name}: ${key} is ${dtype} (${found}), its config asks for (${shape})`);
    }
    if (text.split(`${JSON.stringify(key)}:`).length !== 2) throw new InputError(`${name} names ${key} twice`);
    if (!Array.isArray(offsets) || !(offsets[0] >= 0) || offsets[1] - offsets[0] !== bytes) {
      throw new InputError(`${name}: the place of ${key} is wrong`);
    }
    payload += bytes;
    if (start + offsets[1] > buffer.byteLength) throw new InputError(`${name} is cut short`);
    const numbers = isCounter ? null : buffer.slice(start + offsets[0], start + offsets[1]);
    if (numbers) tensors[key] = dtype === "F16" ? widen(new Uint16Array(numbers)) : new Float32Array(numbers);
  }
  if (buffer.byteLength !== start + payload) {
    throw new InputError(`${name} is ${buffer.byteLength} bytes: its config asks for ${payload} bytes of weights`);
  }
  for (const [key, numbers] of Object.entries(tensors)) {
    if (!allFinite(numbers)) throw new InputError(`${name}: ${key} holds values that are not finite`);
  }
  return tensors;
}
