// The latest events, newest first.

import { byId, make, say } from "./dom.js";
import { clock, many } from "./words.js";

const SHOWN_MAX = 100;
const WEIGHTS = { info: "· info", low: "○ low", medium: "▲ medium", high: "■ HIGH" };

export class EventList {
  constructor() {
    this.list = byId("events-list");
    this.seen = new Set();
  }

  // A node tells the latest again to whoever comes again.
  take(events) {
    const fresh = events.filter((event) => !this.seen.has(event.incident)).slice(-SHOWN_MAX);
    if (fresh.length === 0) return;
    for (const event of fresh) this.seen.add(event.incident);
    this.list.prepend(...fresh.map(row).reverse());
    while (this.list.children.length > SHOWN_MAX) this.list.lastElementChild.remove();
    if (this.seen.size > 20 * SHOWN_MAX) this.seen = new Set([...this.seen].slice(-SHOWN_MAX));
    say(byId("events-count"), `the latest ${many(this.list.children.length, "event")}`);
  }
}

function row(event) {
  const item = make(
    "li",
    { class: "fresh", "data-severity": event.severity },
    make("time", { datetime: event.ts }, clock(Date.parse(event.ts))),
    make("span", { class: "weight" }, WEIGHTS[event.severity] ?? event.severity),
    make("span", {}, event.message),
  );
  const about = [event.client && `${event.client} → ${event.server}`, event.app, event.action].filter(Boolean).join("  ·  ");
  if (about) item.append(make("small", {}, about));
  return item;
}
