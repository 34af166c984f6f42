// A morph as a video that the browser records, in as many seconds as it lasts: for a page without a server.

import { paintPaper } from "./save.js";

const SIDE = 480, RATE = 30, BITS = 4_000_000; // pixels; frames and bits a second

// Return the kind of video that this browser can record, "mp4" or "webm"; null if it can record none.
export const videoKind = () => ["mp4", "webm"].find((kind) => globalThis.MediaRecorder?.isTypeSupported(`video/${kind}`)) ?? null;

// Return a promise of the video, a Blob. drawingAt: returns what is shown after a number of seconds, as save.js describes
// it. tell: called with the seconds that are left.
export async function record(seconds, drawingAt, tell) {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  paintPaper(canvas, drawingAt(0));
  const recorder = new MediaRecorder(canvas.captureStream(RATE), { mimeType: `video/${videoKind()}`, videoBitsPerSecond: BITS });
  const parts = [], stopped = new Promise((done) => { recorder.onstop = done; });
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  const start = performance.now();
  for (let passed = 0; passed < seconds; passed = (performance.now() - start) / 1000) {
    paintPaper(canvas, drawingAt(passed));
    tell(Math.ceil(seconds - passed));
    await new Promise(requestAnimationFrame);
  }
  recorder.stop();
  await stopped;
  return new Blob(parts, { type: recorder.mimeType });
}
