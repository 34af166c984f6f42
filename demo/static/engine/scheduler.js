// When to draw: one animation frame draws what is dirty, nearest to the pointer first, for at most 8 ms.
//
// What does not fit waits for the next frame, and counts as nearer the longer it waits. A job replaces an older one of the
// same key that was not drawn yet. Nothing runs while the page is hidden; what is still wanted is drawn when it is seen again.

const BUDGET = 8; // milliseconds of a frame: half of it at 60 frames a second
const HURRY = 3; // of them in one event: a picture or two, so that its handler ends soon
const APPROACH = 4; // pixels that a waiting job comes nearer in a millisecond, so that what is far is drawn too

export class Scheduler {
  #jobs = new Map(); // key: {draw, element, rank, plans, since}
  #frame = 0;
  #pointer = { x: 0, y: 0 };
  #usual = 0; // milliseconds that a picture takes
  #waiting = [];
  #drawn = false;
  #running = false;
  #began = 0; // when the budget began that frames and hurries share
  #spent = 0; // milliseconds of it

  constructor({ budget = BUDGET } = {}) {
    this.budget = budget;
    const follow = ({ clientX: x, clientY: y }) => { this.#pointer = { x, y }; };
    for (const type of ["pointermove", "pointerdown"]) addEventListener(type, follow, { passive: true, capture: true });
    document.addEventListener("visibilitychange", () => this.#plan());
  }

  // Ask for a drawing. key: any value; draw: a function without arguments that draws at once; element: where, for the
  // distance to the pointer; rank: lower ones are drawn first, whatever their distance; plans: it only asks for others.
  request(key, draw, { element = null, rank = 0, plans = false } = {}) {
    const since = this.#jobs.get(key)?.since ?? performance.now();
    this.#jobs.set(key, { draw, element, rank, plans, since });
    this.#plan();
  }

  cancel(key) {
    this.#jobs.delete(key);
    this.#settle();
  }

  // Return how many jobs wait.
  get size() {
    return this.#jobs.size;
  }

  // Return a promise that is kept when nothing waits any more.
  settled() {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#settle();
    });
  }

  #settle() {
    if (!this.#jobs.size) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #plan() {
    if (this.#jobs.size && !this.#frame && !document.hidden) this.#frame = requestAnimationFrame(() => this.#run());
  }

  #distance(element) {
    if (!element) return 0;
    const { left, right, top, bottom } = element.getBoundingClientRect(), { x, y } = this.#pointer;
    return Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
  }

  // Draw the jobs of rank 0 and below now, without waiting for the next frame. For events that come after this frame's
  // turn, as Gradio's do: else a picture would be a frame late.
  hurry() {
    if (this.#running) return; // a job asks for more: they are drawn after it
    const spent = performance.now() - this.#began < this.budget ? this.#spent : 0;
    if (spent + this.#usual <= this.budget || !spent) this.#run(0, Math.min(this.budget, spent + HURRY));
  }

  #run(most = Infinity, budget = this.budget) {
    if (most === Infinity) this.#frame = 0;
    if (document.hidden || !this.#jobs.size) return; // a hurry has drawn all
    const now = performance.now();
    if (most === Infinity || now - this.#began >= this.budget) [this.#began, this.#spent] = [now, 0];
    const start = now - this.#spent;
    this.#drawn = this.#spent > 0; // one picture at least is drawn in each frame
    // A job may ask for others. They belong to this frame too, if there is time, and to their rank.
    this.#running = true;
    while (this.#work(start, most, budget)) continue;
    this.#running = false;
    this.#spent = performance.now() - start;
    this.#settle();
    this.#plan();
  }

  // Run the jobs of the lowest rank, if it is not above `most`, the nearest first. Return whether there were some and there
  // is time: `budget` milliseconds from `start`.
  #work(start, most, budget) {
    const lowest = Math.min(...[...this.#jobs.values()].map(({ rank }) => rank));
    const jobs = [...this.#jobs].filter(([, { rank }]) => rank === lowest && rank <= most);
    const order = jobs.map(([key, job]) =>
      ({ key, job, distance: jobs.length > 1 ? this.#distance(job.element) - APPROACH * (start - job.since) : 0 }));
    order.sort((a, b) => a.distance - b.distance);
    for (const { key, job } of order) {
      if (this.#jobs.get(key) !== job) continue; // an earlier job of this frame replaced or cancelled it
      const now = performance.now();
      if (this.#drawn && now - start + this.#usual > budget) return false;
      this.#jobs.delete(key);
      try {
        job.draw();
      } catch (error) {
        reportError(error); // one broken drawing must not stop the others
      }
      if (job.plans) continue;
      this.#drawn = true;
      this.#usual += (performance.now() - now - this.#usual) / 8;
    }
    return jobs.length > 0;
  }
}
