// The Draw tab.
import { make } from "./glyphs.js";
import { add } from "./page.js";

export function mount(element, server) {
  element.querySelector(".frame").append(make("p", { className: "note" }, "Draw a digit."));
  add({ name: "draw", element, server, draw() {} });
}
