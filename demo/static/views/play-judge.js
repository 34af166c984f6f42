// What two networks say of a digit: the classifier which one it is, the discriminator ("critic") how real it looks.
// They are fetched when somebody first asks.

import dcgan from "../engine/index.js";
import { modelOf, redraw } from "./page.js";

const judges = new Map(); // by a generator's hash: a function, null while it loads, an error

// Return the function that judges a model's pictures, or null while it loads; then the tab is drawn again.
export function judgeOf(model) {
  const hash = modelOf(model).sha256.generator, found = judges.get(hash);
  if (found instanceof Error) {
    judges.delete(hash); // the next call tries again
    throw new dcgan.InputError(found.message);
  }
  if (found !== undefined) return found;
  judges.set(hash, null);
  dcgan.loadScores(model).catch((error) => error).then((loaded) => {
    judges.set(hash, loaded);
    redraw();
  });
  return null;
}

// Return {digit, confidence, realness} of a point.
export const scoresOf = (judge, network, point) => judge(network.draw(point), point.digits);
