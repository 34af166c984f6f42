// Digits on the screen: one inline SVG each, in the colour of the text around it.

import { digitWeights } from "../engine/config.js";
import dcgan from "../engine/index.js";
import { to28x28, toUint8 } from "../engine/pictures.js";

const SVG = "http://www.w3.org/2000/svg", SIDE = 28;

// Return a new element of SVG with attributes.
export function shape(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

// Return a new element of HTML with properties and children.
export function make(name, { dataset, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  Object.assign(element.dataset, dataset);
  element.append(...children);
  return element;
}

// Return a button that does something in the page: see `press` in page.js.
export const button = (textContent, dataset = {}, className = "") =>
  make("button", { type: "button", textContent, dataset, className });

// Return an empty digit. It is an image for screen readers when it gets a label.
export const glyph = (className = "") =>
  shape("svg", { class: `glyph ${className}`.trim(), viewBox: dcgan.VIEW_BOX, "aria-hidden": true });

// Give an element exactly `count` children and return them. `create` makes the missing ones.
export function fit(parent, count, create) {
  while (parent.children.length > count) parent.lastElementChild.remove();
  while (parent.children.length < count) parent.append(create(parent.children.length));
  return [...parent.children];
}

// Make a group of elements one stop of the Tab key: the element `to`.
export function rove(all, to) {
  for (const one of all) one.tabIndex = one === to ? 0 : -1;
}

// A digit that a network drew: its float picture, its outline and its 28x28 pixels from 0 to 255.
export class Drawn {
  #config;
  #pixels;

  constructor(network, point) {
    this.#config = network.config;
    this.point = point;
    this.picture = network.draw(point);
    this.ink = network.trace(this.picture);
  }

  get pixels() {
    return (this.#pixels ??= to28x28(toUint8(this.picture), this.#config)); // few views ask for them
  }
}

// Return the exact pixels as squares of 1: a path for each grey level.
function squares(pixels) {
  const levels = new Map(), group = shape("g", { transform: "translate(200 200) scale(100)" });
  pixels.forEach((level, at) => {
    if (level) levels.set(level, `${levels.get(level) ?? ""}M${at % SIDE} ${Math.floor(at / SIDE)}h1v1h-1z`);
  });
  group.setAttribute("shape-rendering", "crispEdges");
  group.append(...[...levels].map(([level, d]) => shape("path", { d, "fill-opacity": level / 255 })));
  return group;
}

// Show a digit {ink, pixels} in an SVG: as ink, or as exact pixels.
export function setGlyph(svg, digit, exact, label = "") {
  if (label) {
    svg.removeAttribute("aria-hidden");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  }
  if (exact) return svg.replaceChildren(squares(digit.pixels));
  if (svg.firstElementChild?.localName !== "path") svg.replaceChildren(shape("path"));
  svg.firstElementChild.setAttribute("d", digit.ink.path);
}

// Ask for a digit: it is drawn in order of distance to the pointer. rank: lower ones first. element: where it
// is for that distance; null: in the order of asking. then: called with the `Drawn`.
export function drawSoon(svg, network, point, { exact = false, label = "", rank = 0, element = svg, then = null } = {}) {
  dcgan.scheduler.request(svg, () => {
    if (!svg.isConnected) return;
    const digit = new Drawn(network, point);
    setGlyph(svg, digit, exact, label);
    then?.(digit);
  }, { element, rank });
}

// Draw the digits 0 to 9 of a latent into a row, from left to right. A model without digits has none.
export function drawTen(row, network, latent, exact, rank = 1) {
  const { config } = network;
  fit(row, config.num_classes, () => glyph()).forEach((svg, digit) => {
    const point = { latent, digits: digitWeights(digit, config) };
    drawSoon(svg, network, point, { exact, label: `a ${digit} in this hand`, rank, element: null });
  });
}
