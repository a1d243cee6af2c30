// The pulse of each heartbeat link: how long ago the other node was heard on it, over the last minute. A line at the
// height at which the other node counts as dead; what nobody heard stays a gap.

import { byId, make, mark, say } from "./dom.js";
import { count, ms } from "./words.js";

const POINTS = 300; // a minute, five times a second

class LinkPanel {
  constructor(name) {
    this.ages = [];
    this.name = make("strong", {}, name);
    this.state = make("span", { class: "state" });
    this.canvas = make("canvas", { role: "img" });
    this.numbers = make("p", { class: "numbers" });
    this.parts = ["age", "lost", "carries"].map(() => this.numbers.appendChild(make("span")));
    this.root = make("div", { class: "link" }, this.name, this.canvas, this.state, this.numbers);
  }

  show(link, lost, old) {
    mark(this.root, "state", link.state);
    say(this.state, old ? `was ${link.state}` : link.state === "up" ? "● up" : "✕ DOWN");
    const [age, missed, carries] = this.parts;
    say(age, link.age_ms === null ? "never heard" : `heard ${ms(link.age_ms)} ago`);
    say(missed, `${count(link.lost)} of ${count(link.lost + link.received)} lost`);
    say(carries, link.carries_stream ? "carries the replication" : "");
    this.canvas.setAttribute("aria-label", `Pulse of ${link.name}: ${this.state.textContent}`);
    if (old) return;
    this.ages.push(link.age_ms);
    if (this.ages.length > POINTS) this.ages.shift();
    this.trace(lost);
  }

  trace(lost) {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const quiet = style.getPropertyValue("--trace");
    const alarm = style.getPropertyValue("--alarm");
    pen.clearRect(0, 0, width, height);
    const top = height * 0.18;
    pen.fillStyle = quiet;
    for (let x = 0; x < width; x += 8 * ratio) pen.fillRect(x, top, 3 * ratio, 1);
    const step = width / POINTS;
    this.ages.forEach((age, at) => {
      const share = age === null ? 0 : Math.min(age / lost, 1.2);
      const tall = Math.max(share * (height - top), ratio);
      const x = width - (this.ages.length - at) * step;
      pen.fillStyle = age === null || age >= lost ? alarm : quiet;
      if (age !== null) pen.fillRect(x, height - tall, Math.max(step - 0.5, 1), tall);
    });
  }
}

export class Links {
  constructor() {
    this.root = byId("links");
    this.panels = new Map();
    this.key = make("p", { class: "key" });
    this.root.append(this.key);
  }

  show({ hello, status, oldSince }) {
    for (const link of status.links) {
      if (!this.panels.has(link.name)) {
        this.panels.set(link.name, new LinkPanel(link.name));
        this.root.insertBefore(this.panels.get(link.name).root, this.key);
      }
      this.panels.get(link.name).show(link, hello.lost_ms, oldSince !== null);
    }
    say(this.key, `Time since the last heartbeat, over a minute; dashes: ${ms(hello.lost_ms)}, taken for dead`);
  }
}
