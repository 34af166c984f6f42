// The matrix product that all layers share, in WebAssembly SIMD and in plain JavaScript.
//
// BYTES is matmul.wat, assembled; tests/browser/test_engine.py compares the two. It is base64 inside a module, so that
// every plain file host serves it.

const BYTES = "AGFzbQEAAAABFgJgC39/f39/f39/f399AGAEf3t7ewACEgEGZW5naW5lBm1lbW9yeQIAAQMDAgABBwkBBXBhbmVsAAAKgQUC1wQCB38MeyAK/RMhEgJAIAlBBEgNAANAIAUhDCAG/QAEACEWIAb9AAQQIRcgFiEYIBchGSAWIRogFyEbIBYhHCAXIR0gAiELIAAhDQNAIA0gAWohDiAOIAFqIQ8gDyABaiEQIA0gBEECdGohEQNAIAz9AAQAIRMgDP0ABBAhFCAN/QkCACEVIBYgFSAT/eYB/eQBIRYgFyAVIBT95gH95AEhFyAO/QkCACEVIBggFSAT/eYB/eQBIRggGSAVIBT95gH95AEhGSAP/QkCACEVIBogFSAT/eYB/eQBIRogGyAVIBT95gH95AEhGyAQ/QkCACEVIBwgFSAT/eYB/eQBIRwgHSAVIBT95gH95AEhHSAMQSBqIQwgDkEEaiEOIA9BBGohDyAQQQRqIRAgDUEEaiENIA0gEUkNAAsgDSADIARBAnRraiENIAtBAWsiCw0ACyAHIBYgFyASEAEgByAIaiIHIBggGSASEAEgByAIaiIHIBogGyASEAEgByAIaiIHIBwgHSASEAEgByAIaiEHIAAgAUECdGohACAJQQRrIQkgCUEETg0ACwsCQCAJRQ0AA0AgBSEMIAb9AAQAIRYgBv0ABBAhFyACIQsgACENA0AgDSAEQQJ0aiERA0AgDf0JAgAhFSAWIBUgDP0ABAD95gH95AEhFiAXIBUgDP0ABBD95gH95AEhFyAMQSBqIQwgDUEEaiENIA0gEUkNAAsgDSADIARBAnRraiENIAtBAWsiCw0ACyAHIBYgFyASEAEgByAIaiEHIAAgAWohACAJQQFrIgkNAAsLCyYAIAAgASABIAP95gH96QH9CwQAIAAgAiACIAP95gH96QH9CwQQCwCWAgRuYW1lARACAAZwaXhlbHMBBXN0b3JlArcBAgAeAAJpbgEEc3RlcAIEcm93cwMIcm93X3N0ZXAEBmxlbmd0aAUHd2VpZ2h0cwYEYmlhcwcDb3V0CAhvdXRfc3RlcAkGcGl4ZWxzCgVzbG9wZQsDcm93DAJhdA0BYQ4BYg8BYxABZBEDZW5kEgRsZWFrEwRsZWZ0FAVyaWdodBUBeBYCYTAXAmExGAJiMBkCYjEaAmMwGwJjMRwCZDAdAmQxAQQAA291dAECeTACAnkxAwRsZWFrA0MBAAgACG5vX2ZvdXJzAQVmb3VycwIIbmV4dF9yb3cDBG5leHQEB25vX29uZXMFBG9uZXMGCG5leHRfcm93BwRuZXh0";

let compiled; // the WebAssembly module; null where the browser has no SIMD or forbids WebAssembly

function compile() {
  if (compiled === undefined) {
    try {
      compiled = new WebAssembly.Module(Uint8Array.from(atob(BYTES), (character) => character.charCodeAt(0)));
    } catch {
      compiled = null;
    }
  }
  return compiled;
}

// The same function as in matmul.wat, which explains its parameters. `floats` is the whole memory.
function plainPanel(floats) {
  return (input, step, rows, rowStep, length, weights, bias, out, outStep, pixels, slope) => {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const b = bias >> 2;
      let y0 = floats[b], y1 = floats[b + 1], y2 = floats[b + 2], y3 = floats[b + 3];
      let y4 = floats[b + 4], y5 = floats[b + 5], y6 = floats[b + 6], y7 = floats[b + 7];
      let at = weights >> 2;
      for (let row = 0; row < rows; row++) {
        const start = (input + pixel * step + row * rowStep) >> 2;
        for (let k = start; k < start + length; k++, at += 8) {
          const x = floats[k];
          if (x === 0) continue; // much of what a ReLU lets through
          y0 += x * floats[at];
          y1 += x * floats[at + 1];
          y2 += x * floats[at + 2];
          y3 += x * floats[at + 3];
          y4 += x * floats[at + 4];
          y5 += x * floats[at + 5];
          y6 += x * floats[at + 6];
          y7 += x * floats[at + 7];
        }
      }
      const to = (out + pixel * outStep) >> 2;
      floats[to] = Math.max(y0, slope * y0);
      floats[to + 1] = Math.max(y1, slope * y1);
      floats[to + 2] = Math.max(y2, slope * y2);
      floats[to + 3] = Math.max(y3, slope * y3);
      floats[to + 4] = Math.max(y4, slope * y4);
      floats[to + 5] = Math.max(y5, slope * y5);
      floats[to + 6] = Math.max(y6, slope * y6);
      floats[to + 7] = Math.max(y7, slope * y7);
    }
  };
}

// Return {floats, panel}: a memory of so many bytes as a Float32Array, and the product that computes in it.
export function openMemory(bytes, simd = true) {
  if (simd && compile()) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) });
    const { panel } = new WebAssembly.Instance(compiled, { engine: { memory } }).exports;
    return { floats: new Float32Array(memory.buffer), panel };
  }
  const floats = new Float32Array(Math.ceil(bytes / 4));
  return { floats, panel: plainPanel(floats) };
}
