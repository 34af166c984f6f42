// The stops of a morph: thumbnails on the scrubber's line, and the fields of the one that is selected. They are words
// like "24:7" in the text of the stops. What is typed goes there once it is a seed or a code; until then the mistake is
// told under the field, and nothing else changes.

import dcgan from "../engine/index.js";
import { pointOf, sentence, strongest, TYPING, wordsOf } from "./fields.js";
import { button, drawSoon, fit, glyph, make, rove } from "./glyphs.js";
import { newSeed } from "./hand.js";

export const FEWEST = 2, MOST = 10; // as the engine has them

export class Stops {
  #line = make("div", { className: "stops", role: "toolbar", ariaLabel: "stops: arrow keys go to the next one, Delete removes it" });
  #where = make("span", { className: "where" });
  #field = make("input", { id: "stop-hand", type: "text", autocomplete: "off", spellcheck: false });
  #digit = make("select", { ariaLabel: "digit" }, ...["any", ..."0123456789"].map((value) => make("option", { value, textContent: value })));
  #mistake = make("p", { className: "mistake", id: "stop-mistake", role: "alert", hidden: true });
  #buttons = {};
  #stops = null; // {keys, points, legs, network, model, exact} of the last drawing
  #changed;
  #telling = 0;
  #held = -1; // the stop that a pointer holds
  selected = 0;

  // changed(words, selected): the stops are other ones now. stand(place): go to a place.
  constructor({ changed, stand }) {
    this.#changed = changed;
    this.stand = stand;
    const act = { left: ["←", "move this stop left"], right: ["→", "move this stop right"], roll: ["New", "another handwriting for this stop"], remove: ["Remove", "remove this stop"] };
    for (const [name, [text, ariaLabel]] of Object.entries(act)) {
      this.#buttons[name] = Object.assign(button(text, { act: name }), { ariaLabel, title: ariaLabel });
    }
    const label = make("label", {}, this.#where, this.#field), { left, right, roll, remove } = this.#buttons;
    this.line = this.#line;
    this.details = make("div", { className: "stop" }, make("div", { className: "fields" }, label, this.#digit, roll, left, right, remove), this.#mistake);
    this.#line.addEventListener("click", ({ target }) => this.#go(this.#indexOf(target)));
    this.#line.addEventListener("keydown", (event) => this.#key(event));
    this.#line.addEventListener("pointerdown", ({ target, button }) => (this.#held = button === 0 ? this.#indexOf(target) : -1));
    this.#line.addEventListener("pointermove", (event) => event.buttons === 1 && this.#drag(event));
    this.#field.addEventListener("input", () => this.#typed());
    this.#field.addEventListener("change", () => this.#mistake.textContent && this.#tell());
    this.#digit.addEventListener("change", () => this.#put(this.#handHere(), this.#digit.value));
    this.details.addEventListener("click", ({ target }) => {
      const pressed = target.closest("[data-act]");
      if (pressed && pressed.ariaDisabled !== "true") this.#act(pressed.dataset.act);
    });
  }

  // Draw the stops {keys, points, legs, network, model, exact}.
  draw(stops) {
    this.#stops = stops;
    const { keys, points, legs, network, exact } = stops;
    this.selected = Math.min(this.selected, keys.length - 1);
    const all = fit(this.#line, keys.length, () => make("button", { type: "button" }, glyph()));
    all.forEach((one, i) => {
      const { digits } = points[i], digit = digits ? `, a ${strongest(points[i])}` : "";
      one.style.setProperty("--at", i / legs);
      one.ariaLabel = `stop ${i + 1} of ${keys.length}: hand ${keys[i][0].slice(0, 12)}${digit}`;
      one.ariaPressed = String(i === this.selected);
      drawSoon(one.firstElementChild, network, points[i], { exact, rank: 1 });
    });
    rove(all, all[this.selected]);
    this.#drawDetails();
  }

  // Return the words of the stops, with another one at the end that asks for the selected one's digit.
  with(hand) {
    const [, digit] = this.#stops.keys[this.selected] ?? [];
    return [...this.#words(), hand + (digit === null ? "" : `:${digit}`)];
  }

  #drawDetails() {
    const { keys, model, network } = this.#stops, [hand, digit] = keys[this.selected], classes = network.config.num_classes;
    this.#where.textContent = `Stop ${this.selected + 1}`;
    if (this.#field !== document.activeElement) this.#field.value = hand;
    if (this.#field.value.trim() === hand) this.#clear();
    this.#digit.hidden = !classes;
    this.#digit.options[0].textContent = classes ? `any (${strongest(dcgan.point(hand, { model }))})` : "any";
    this.#digit.value = digit ?? "any";
    const off = { left: this.selected === 0, right: this.selected === keys.length - 1, remove: keys.length <= FEWEST };
    // Not `disabled`: that would take the focus away.
    for (const [name, made] of Object.entries(this.#buttons)) made.ariaDisabled = String(Boolean(off[name]));
  }

  #indexOf = (target) => [...this.#line.children].indexOf(target.closest(".stops button"));
  #words = () => wordsOf(demo.state["morph.keys"]);
  #handHere = () => this.#stops.keys[this.selected][0];

  #go(index) {
    if (!this.#stops || index < 0 || index >= this.#stops.keys.length) return;
    if (index !== this.selected) this.#clear();
    this.selected = index;
    this.#field.value = this.#handHere();
    this.draw(this.#stops);
    this.stand(index);
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], at = this.#indexOf(event.target);
    if (event.key === "Delete") {
      if (this.#buttons.remove.ariaDisabled !== "true") this.#act("remove");
      this.#line.children[this.selected].focus({ focusVisible: true });
    } else if (step && event.altKey) this.#move(step);
    else if (step) this.#go(at + step);
    else if (event.key === "Home" || event.key === "End") this.#go(event.key === "Home" ? 0 : this.#stops.keys.length - 1);
    else return;
    event.preventDefault();
    this.#line.children[this.selected].focus({ focusVisible: true });
  }

  // Move the stop that the pointer holds to the place that the pointer is nearest to.
  #drag({ clientX, pointerId }) {
    if (this.#held < 0 || !this.#stops) return;
    const { left, width } = this.#line.getBoundingClientRect(), { legs, keys } = this.#stops;
    const to = Math.max(0, Math.min(keys.length - 1, Math.round(((clientX - left) / width) * legs)));
    if (to === this.#held) return;
    this.#line.setPointerCapture(pointerId); // so that its end is no click
    this.selected = this.#held;
    this.#move(to - this.#held);
    this.#held = to;
  }

  // Change the text of the stops at once, so that the next key finds them.
  #edit(words) {
    this.#clear();
    this.#changed(words);
  }

  #put(hand, digit) {
    const words = this.#words();
    words[this.selected] = hand + (digit === "any" ? "" : `:${digit}`);
    this.#edit(words);
  }

  #move(step) {
    const words = this.#words(), to = this.selected + step;
    if (to < 0 || to >= words.length) return;
    words.splice(to, 0, ...words.splice(this.selected, 1));
    this.selected = to;
    this.#edit(words);
    this.stand(to);
  }

  #act(name) {
    if (name === "left" || name === "right") return this.#move(name === "left" ? -1 : 1);
    if (name === "roll") return this.#put(String(newSeed()), this.#digit.value);
    const words = this.#words();
    words.splice(this.selected, 1);
    this.selected = Math.min(this.selected, words.length - 1);
    this.#edit(words);
    this.stand(this.selected);
  }

  // --- what is typed ---

  #typed() {
    const hand = this.#field.value.trim(), { model } = this.#stops;
    try {
      if (wordsOf(hand).length !== 1 || hand.includes(":")) throw new dcgan.InputError("a stop has one seed or code");
      pointOf("hand", hand, { model });
    } catch (error) {
      if (!(error instanceof dcgan.InputError)) throw error;
      this.#mistake.textContent = sentence(error.message);
      clearTimeout(this.#telling);
      this.#telling = setTimeout(() => this.#tell(), TYPING);
      return;
    }
    this.#clear();
    this.#put(hand, this.#digit.value);
  }

  #tell() {
    this.#mistake.hidden = false;
    this.#field.setAttribute("aria-invalid", "true");
    this.#field.setAttribute("aria-describedby", "stop-mistake");
  }

  #clear() {
    clearTimeout(this.#telling);
    this.#mistake.textContent = "";
    this.#mistake.hidden = true;
    this.#field.removeAttribute("aria-invalid");
    this.#field.removeAttribute("aria-describedby");
  }
}
