// Pictures between the engine's floats in [-1, 1] and pixels from 0 to 255.
//
// A picture is (channels, size, size) in one array. `config` says which channels and size.

// Return the pixels as numbers from 0 to 255, rounded as Python rounds them.
export function toUint8(picture) {
  return Uint8Array.from(picture, (x) => {
    const value = Math.fround(Math.fround(x + 1) * 127.5), whole = Math.floor(value);
    return value - whole === 0.5 ? whole + (whole & 1) : Math.round(value);
  });
}

// Return pixels from 0 to 255 as floats in [-1, 1].
export function toFloat(pixels) {
  return Float32Array.from(pixels, (value) => Math.fround(Math.fround(value / 127.5) - 1));
}

// Return the means of the channels and of blocks of pixels, (side, side), without a border.
// Of one channel and blocks of one pixel these are the exact pixels.
function shrink(picture, { image_size: size, image_channels: channels }, border, side) {
  const block = (size - 2 * border) / side, means = new Float64Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++) {
        for (let i = 0; i < block; i++) {
          const line = (channel * size + border + y * block + i) * size + border + x * block;
          for (let j = 0; j < block; j++) sum += picture[line + j];
        }
      }
      means[y * side + x] = sum / (channels * block * block);
    }
  }
  return means;
}

// Return the grey 28x28 pixels of any model's pixels, as `to_28x28` in Python does.
export function to28x28(pixels, config) {
  const means = shrink(pixels, config, config.image_size / 16, 28);
  return Uint8Array.from(means, (value) => {
    const whole = Math.floor(value);
    return value - whole === 0.5 ? whole + (whole & 1) : Math.round(value);
  });
}

// Return the grey 32x32 picture in [-1, 1] of any model's picture: what ink is made of.
export function toGrey32(picture, config) {
  return config.image_size === 32 && config.image_channels === 1 ? picture : shrink(picture, config, 0, 32);
}

// Return the 32x32 picture in [-1, 1] of 28x28 pixels from 0 to 255, with a black border.
export function from28x28(pixels) {
  const picture = new Float32Array(32 * 32).fill(-1);
  for (let y = 0; y < 28; y++) picture.set(toFloat(pixels.subarray(y * 28, y * 28 + 28)), (y + 2) * 32 + 2);
  return picture;
}
