// What buttons do in the browser. Python names a function here and gives its arguments as JSON.
Object.assign(window.demo, {
  rollSeed: () => Math.floor(Math.random() * 1000000), // six digits can be read out aloud
  rollHand: () => String(demo.rollSeed()),
  rollHands: (count) => Array.from({ length: count }, demo.rollSeed).join(" "),
  // A new seed for each key frame of a text like "15 24:7". The digits stay.
  rollKeys: (most, text) =>
    (text || "").trim().split(/[\s,;]+/).slice(0, most).map((word) => word.replace(/^[^:]*/, demo.rollSeed())).join(" "),
  zeros: (count) => Array(count).fill(0),
});
