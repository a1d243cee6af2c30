// The sessions, as many as there may be: only rows in view exist, and only they are asked for.

import { byId, make, say } from "./dom.js";
import { look } from "./orders.js";
import { bytes, count, many, span } from "./words.js";

const ROW_REM = 2.1;
const SPARE_ROWS = 8;
const REFRESH_MS = 1000;
const SETTLE_MS = 150;
const COLUMNS = ["Client", "Server", "Service", "Applications", "State", "Age", "Idle", "From client / server", "Denied"];
const RIGHT = new Set(["Age", "Idle", "From client / server", "Denied"]);

export class Sessions {
  constructor(isFresh) {
    this.isFresh = isFresh;
    this.rows = new Map(); // by place in the list
    this.found = 0;
    this.asked = 0;
    this.space = make("div", { class: "space", role: "presentation" });
    this.scroll = make("div", { id: "scroll", tabindex: "0", role: "rowgroup", "aria-label": "Sessions, scrollable" }, this.space);
    this.table = byId("table");
    this.table.append(make("div", { role: "rowgroup" }, headings()), this.scroll);
    this.search = byId("search");
    this.settling = 0;
    this.search.addEventListener("input", () => this.settle());
    this.scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.measure()).observe(this.scroll);
    this.drawing = 0;
    this.measure();
  }

  // Rows of another height stand elsewhere; if only the room has changed, those in view stay.
  measure() {
    const tall = ROW_REM * parseFloat(getComputedStyle(document.documentElement).fontSize);
    if (tall !== this.tall) {
      for (const row of this.rows.values()) row.root.remove();
      this.rows.clear();
    }
    this.tall = tall;
    this.inView = Math.ceil(this.scroll.clientHeight / tall);
    this.place();
    this.settle();
  }

  start() {
    this.timer ??= setInterval(() => this.isFresh() && !document.hidden && this.refresh(), REFRESH_MS);
    this.refresh();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.refresh(), SETTLE_MS);
  }

  // Once a frame is enough.
  scrolled() {
    cancelAnimationFrame(this.drawing);
    this.drawing = requestAnimationFrame(() => this.place());
    this.settle();
  }

  get window() {
    const first = Math.max(Math.floor(this.scroll.scrollTop / this.tall) - SPARE_ROWS, 0);
    return { first, last: first + this.inView + 2 * SPARE_ROWS };
  }

  // An answer that a later question has overtaken is dropped.
  async refresh() {
    if (this.timer === undefined) return;
    const asked = (this.asked += 1);
    const { first, last } = this.window;
    const query = new URLSearchParams({ search: this.search.value, offset: first, limit: last - first });
    const answer = await look(`/search?${query}`);
    if (answer === null || asked !== this.asked) return;
    this.found = answer.found;
    say(byId("sessions-count"), told(answer, this.search.value));
    this.place();
    answer.rows.forEach((row, at) => this.fill(answer.offset + at, row));
  }

  place() {
    const { tall } = this;
    const { first, last } = this.window;
    const height = `${this.found * tall}px`;
    if (this.space.style.height !== height) this.space.style.height = height;
    this.table.setAttribute("aria-rowcount", String(this.found + 1));
    for (const [at, row] of this.rows) {
      if (at < first || at >= last || at >= this.found) {
        row.root.remove();
        this.rows.delete(at);
      }
    }
    for (let at = first; at < Math.min(last, this.found); at += 1) {
      if (!this.rows.has(at)) this.rows.set(at, new Row(at, at * tall, this.space));
    }
  }

  fill(at, session) {
    this.rows.get(at)?.show(session);
  }
}

class Row {
  constructor(at, top, parent) {
    this.cells = COLUMNS.map((name) => make("span", { role: "cell", ...(RIGHT.has(name) ? { class: "end" } : {}) }));
    this.root = make("div", { class: "row waiting", role: "row", "aria-rowindex": String(at + 2) }, ...this.cells);
    this.root.style.transform = `translateY(${top}px)`;
    parent.append(this.root);
  }

  show(session) {
    this.root.classList.remove("waiting");
    const apps = shortened(session);
    const idle = session.idle_s === undefined ? "–" : span(session.idle_s);
    const denied = session.denied === undefined ? "–" : count(session.denied);
    const texts = [
      session.client, session.server, session.service, apps, session.state, span(session.age_s), idle,
      session.bytes.map(bytes).join(" / "), denied,
    ];
    texts.forEach((text, at) => say(this.cells[at], text));
    const all = session.apps.join(", ");
    if (this.cells[3].title !== all) this.cells[3].title = all;
    this.cells[8].classList.toggle("bad", session.denied > 0);
  }
}

// The latest, and how many others there were.
function shortened({ app, apps, ignored }) {
  if (ignored) return "not inspected";
  if (apps.length < 2) return app || "–";
  return `${app} +${apps.length - 1}`;
}

function headings() {
  const cells = COLUMNS.map((name) => make("span", { role: "columnheader", ...(RIGHT.has(name) ? { class: "end" } : {}) }, name));
  return make("div", { class: "row heading", role: "row", "aria-rowindex": "1" }, ...cells);
}

function told(answer, words) {
  if (words.trim()) return `${count(answer.found)} of ${many(answer.total, "session")}`;
  return many(answer.total, "session");
}
