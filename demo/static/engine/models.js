// The models of a page: their weights are fetched when first needed and kept by the browser under their hash.
//
// An entry is {name, config, generatorUrl, discriminatorUrl, classifierUrl, sha256}, with sha256 an object
// {generator, discriminator, classifier} of hexadecimal hashes. It may have generatorHalves, two addresses: see `join`.
// Weights come from the page's own host only.
// Cache Storage and hashing need a secure context (https or localhost). Elsewhere every visit fetches the weights.

import { checkConfig } from "./config.js";
import { InputError } from "./errors.js";
import { Generator } from "./generator.js";
import { Discriminator, DigitClassifier } from "./networks.js";

const CACHE = "dcgan-weights";
const KINDS = ["generator", "discriminator", "classifier"];
const cacheKey = (hash) => new URL(`/${CACHE}/${hash}`, location.origin).href; // a name: nothing is fetched from it

async function hashOf(buffer) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", buffer));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Return whether the bytes have the hash; true where there is no hash or no way to compute one.
const matches = async (buffer, hash) => !hash || !globalThis.crypto?.subtle || (await hashOf(buffer)) === hash;

// Return the browser's cache, or null: without a secure context, in some private windows, with a full disk.
async function openCache() {
  try {
    return (await globalThis.caches?.open(CACHE)) ?? null;
  } catch {
    return null;
  }
}

async function fetchBytes(url, fetch) {
  const address = new URL(url, document.baseURI);
  if (address.origin !== location.origin) throw new InputError(`the weights are on another host: ${address.host}`);
  let response, buffer;
  try {
    response = await fetch(address, { redirect: "error" });
    buffer = await response.arrayBuffer();
  } catch {
    throw new InputError("the weights could not be fetched: check the connection and try again");
  }
  if (!response.ok) throw new InputError(`the weights could not be fetched: the server answered ${response.status}`);
  return buffer;
}

// Return the bytes of a file of weights from its two halves: see `halves` in demo/assets.py. Without the lower one each
// number is off by 0.4% at most. upper: the header, the highest bytes of all numbers, then the second highest; lower: the
// third and the lowest. In these the exponent comes first, then the sign, so that the highest byte is the exponent.
function join(upper, lower = null) {
  const high = new Uint8Array(upper), low = lower && new Uint8Array(lower);
  const start = 8 + new DataView(upper).getUint32(0, true), count = (high.length - start) / 2;
  const bytes = new Uint8Array(start + 4 * count), words = new DataView(bytes.buffer, start);
  bytes.set(high.subarray(0, start));
  for (let i = 0; i < count; i++) {
    const half = low ? (low[i] << 8) | low[count + i] : 0x8000;
    const word = (high[start + i] << 24) | (high[start + count + i] << 16) | half;
    words.setUint32(4 * i, ((word & 0x800000) << 8) | ((word >>> 1) & 0x7f800000) | (word & 0x7fffff), true);
  }
  return bytes.buffer;
}

// Fetch a file of weights, in two halves if the server has them. rough: called with the bytes of the first half.
async function fetchWeights(entry, kind, rough, fetch) {
  const halves = entry[`${kind}Halves`];
  if (!halves) return fetchBytes(entry[`${kind}Url`], fetch);
  const upper = await fetchBytes(halves[0], fetch);
  rough(join(upper));
  return join(upper, await fetchBytes(halves[1], fetch));
}

// Return the bytes of weights, from the cache if they are there and unharmed.
async function weightsOf(entry, kind, rough, fetch) {
  const hash = entry.sha256?.[kind], cache = hash ? await openCache() : null;
  const stored = await cache?.match(cacheKey(hash)).catch(() => null);
  const kept = await stored?.arrayBuffer().catch(() => null);
  if (kept && (await matches(kept, hash))) return kept;
  const buffer = await fetchWeights(entry, kind, rough, fetch);
  if (!(await matches(buffer, hash))) {
    throw new InputError("the weights are not what they should be: their hash is another, try again");
  }
  await cache?.put(cacheKey(hash), new Response(buffer.slice(0))).catch(() => null);
  return buffer;
}

export class Models {
  #entries = new Map();
  #networks = new Map(); // what names a network's weights: a promise of the network
  #loaded = new Set(); // the keys of those that are ready
  #rough = new Map(); // functions that want a network made of the first half of its weights, by the network's key
  options;
  #fetch;

  // simd: false takes the plain-JavaScript path. fetch: another one than the browser's.
  constructor(entries = [], { simd = true, fetch = (...request) => globalThis.fetch(...request) } = {}) {
    this.options = { simd };
    this.#fetch = fetch;
    this.update(entries);
  }

  // Take a new list of models; return the names of those whose generator is another one than before.
  // Networks that no model needs any more are dropped, here and in the browser's cache.
  update(entries) {
    const before = this.#entries;
    this.#entries = new Map(entries.map((entry) => [entry.name, { ...entry, config: checkConfig(entry.config) }]));
    const needed = new Set(entries.flatMap(({ name }) => KINDS.map((kind) => this.#key(name, kind))));
    for (const key of this.#networks.keys()) {
      if (needed.has(key)) continue;
      this.#networks.delete(key);
      this.#loaded.delete(key);
    }
    if (entries.length) this.#prune();
    return [...this.#entries.keys()].filter((name) => {
      const old = before.get(name), now = this.#entries.get(name);
      return !old || old.sha256?.generator !== now.sha256?.generator || old.generatorUrl !== now.generatorUrl;
    });
  }

  async #prune() {
    const hashes = [...this.#entries.values()].flatMap(({ sha256 }) => Object.values(sha256 ?? {}));
    const wanted = new Set(hashes.map(cacheKey));
    const cache = await openCache();
    for (const request of (await cache?.keys().catch(() => null)) ?? []) {
      if (!wanted.has(request.url)) await cache.delete(request).catch(() => null);
    }
  }

  get names() {
    return [...this.#entries.keys()];
  }

  // Return a model's entry; without a name the first one's.
  entry(name = this.names[0]) {
    const entry = this.#entries.get(name);
    if (!entry) throw new InputError(`there is no model ${name}: there is ${this.names.join(", ") || "none"}`);
    return entry;
  }

  #key(name, kind) {
    const entry = this.entry(name), config = kind === "classifier" ? "" : JSON.stringify(entry.config);
    return [kind, entry.sha256?.[kind] ?? entry[`${kind}Url`], config].join(" ");
  }

  // Return a promise of a network. It is loaded once; after a failure the next call tries again.
  #network(name, kind, build) {
    const entry = this.entry(name), key = this.#key(entry.name, kind);
    if (!this.#networks.has(key)) {
      if (!entry[`${kind}Url`]) throw new InputError(`the model ${entry.name} has no ${kind} here`);
      const rough = (bytes) => this.#rough.get(key)?.(build(entry.config, bytes));
      const loading = weightsOf(entry, kind, rough, this.#fetch).then((bytes) => build(entry.config, bytes));
      this.#networks.set(key, loading);
      loading.then(
        () => this.#networks.get(key) === loading && this.#loaded.add(key),
        () => this.#networks.get(key) === loading && this.#networks.delete(key),
      );
    }
    return this.#networks.get(key);
  }

  async generator(name) {
    return this.#network(name, "generator", (config, buffer) => new Generator(config, buffer, this.options));
  }

  // Return a promise of a generator that is there sooner: of the first half of its weights if that comes first.
  async roughGenerator(name) {
    const exact = this.generator(name), key = this.#key(this.entry(name).name, "generator");
    return Promise.race([exact, new Promise((resolve) => this.#rough.set(key, resolve))]);
  }

  async discriminator(name) {
    return this.#network(name, "discriminator", (config, buffer) => new Discriminator(config, buffer, this.options));
  }

  async classifier(name) {
    return this.#network(name, "classifier", (_, buffer) => new DigitClassifier(buffer, this.options));
  }

  // Fetch all weights of a model that the browser does not keep yet, so that it can do without a connection.
  async keep(name) {
    const entry = this.entry(name);
    for (const kind of KINDS) if (entry[`${kind}Url`]) await weightsOf(entry, kind, () => {}, this.#fetch);
  }

  // Return whether a model's generator is ready to draw.
  isLoaded(name) {
    return this.#loaded.has(this.#key(name, "generator"));
  }
}
