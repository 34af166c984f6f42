// What the page's buttons and fields do in the browser. Python names a function here and gives its arguments as JSON.
window.demo = {
  rollSeed: () => Math.floor(Math.random() * 1000000), // six digits can be read out aloud
  rollHand: () => String(demo.rollSeed()),
  rollHands: (count) => Array.from({ length: count }, demo.rollSeed).join(" "),
  // A new seed for each key frame of a text like "15 24:7". The digits stay.
  rollKeys: (most, text) =>
    (text || "").trim().split(/[\s,;]+/).slice(0, most).map((word) => word.replace(/^[^:]*/, demo.rollSeed())).join(" "),
  zeros: (count) => Array(count).fill(0),
  // Enter does the same as leaving the field.
  leaveField: () => document.activeElement.blur(),
  // Write a link to what the view shows into the address bar and the clipboard.
  copyLink(view, names, ...values) {
    const query = new URLSearchParams({ tab: view });
    names.forEach((name, i) => query.set(name, String(values[i])));
    const url = `${location.origin}${location.pathname}?${query}`;
    history.replaceState(null, "", url);
    const say = (text) => document.querySelectorAll(".copy-link").forEach((button) => {
      button.textContent = text;
      setTimeout(() => (button.textContent = "Copy link"), 2000);
    });
    const ask = () => { say("See the address bar"); window.prompt("Copy this link", url); };
    navigator.clipboard ? navigator.clipboard.writeText(url).then(() => say("Copied"), ask) : ask();
  },
};
