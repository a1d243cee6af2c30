// How this node last became active: the silence before, the restoring, the announcement; to scale, in milliseconds.

import { byId, draw, make, say } from "./dom.js";
import { many, ms, span } from "./words.js";

const NS_PER_MS = 1e6;
const JUST_NOW_S = 60;
const WIDTH = 600;
const HEIGHT = 30;

export class TakeoverPanel {
  constructor() {
    this.body = byId("takeover-body");
    this.when = byId("takeover-when");
    this.shown = "";
  }

  show({ status }) {
    const last = status.last_takeover;
    say(this.when, last === null ? "" : `${span(last.ago_s)} ago`);
    const key = last === null ? "none" : `${last.epoch} ${last.announced_ns} ${last.ago_s < JUST_NOW_S}`;
    if (key === this.shown) return;
    this.shown = key;
    if (last === null) this.body.replaceChildren(make("p", { class: "quiet" }, "None by this node in this life."));
    else this.body.replaceChildren(words(last), line(last));
  }
}

function words(last) {
  const kept = `${many(last.sessions, "session")} kept, ${last.reset} reset`;
  const text = `Reason: ${last.reason}. Epoch ${last.epoch}. ${kept}.`;
  const badge = last.ago_s < JUST_NOW_S ? [make("span", { class: "badge" }, "just now"), " "] : [];
  return make("p", {}, ...badge, text);
}

// To scale, with what each part took beneath it.
function line(last) {
  const parts = [
    ["silence", "Silence", last.silent_ms],
    ["restore", "Restored in", (last.restored_ns - last.detected_ns) / NS_PER_MS],
    ["announce", "Announced in", (last.announced_ns - last.restored_ns) / NS_PER_MS],
  ];
  const whole = parts.reduce((sum, [, , length]) => sum + length, 0);
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const list = make("dl");
  let start = 0;
  for (const [kind, words, length] of parts) {
    const width = Math.max((length / Math.max(whole, 0.001)) * WIDTH, 2);
    svg.append(draw("rect", { class: kind, x: Math.min(start, WIDTH - 2), y: 1, width, height: HEIGHT - 2 }));
    list.append(make("div", {}, make("dt", { class: kind }, words), make("dd", {}, ms(length))));
    start += width;
  }
  list.append(make("div", {}, make("dt", { class: "whole" }, "In all"), make("dd", {}, ms(whole))));
  const both = document.createDocumentFragment();
  both.append(svg, list);
  return both;
}
