// Both nodes, always in the same places: the first by name stands on the left, whichever of them shows the page.

import { byId, make, mark, say } from "./dom.js";
import { count, ms, span } from "./words.js";

const FACTS = ["Epoch", "Sessions", "Cache", "Up", "Heard", "Priority"];

class NodePanel {
  constructor(side) {
    this.root = byId(side);
    this.name = make("h2", { id: `${side}-name` });
    this.where = make("small");
    this.title = document.createTextNode("");
    this.name.append(this.title, this.where);
    this.role = make("span", { class: "role" });
    this.facts = new Map(FACTS.map((fact) => [fact, make("dd")]));
    const rows = [...this.facts].map(([fact, value]) => make("div", {}, make("dt", {}, fact), value));
    this.link = make("a", { hidden: "" }, "Open its page");
    this.root.append(make("div", { class: "head" }, this.name, this.role), make("dl", {}, ...rows), this.link);
  }

  show(name, where, role, heard, facts) {
    if (this.title.data !== name) this.title.data = name;
    say(this.where, where);
    say(this.role, heard ? role : role === "unheard" ? "not heard" : `was ${role}`);
    mark(this.root, "role", heard ? role : "lost");
    mark(this.root, "heard", heard ? "yes" : "no");
    for (const [fact, cell] of this.facts) {
      cell.parentElement.hidden = !(fact in facts);
      say(cell, facts[fact] ?? "");
    }
  }
}

export class Nodes {
  constructor() {
    this.panels = [new NodePanel("left"), new NodePanel("right")];
  }

  show({ hello, status, oldSince }) {
    const peer = status.peer;
    const meFirst = peer === null || status.node < peer.name;
    const [mine, other] = meFirst ? this.panels : [...this.panels].reverse();
    mine.show(`Node ${status.node}`, "shows this page", status.role, oldSince === null, own(status, hello));
    const heard = oldSince === null && peer !== null && peer.age_ms !== null && peer.age_ms < hello.lost_ms;
    if (peer === null) other.show("Other node", "never heard", "unheard", false, {});
    else other.show(`Node ${peer.name}`, "as its heartbeats tell", peer.role, heard, others(peer));
    this.linkTo(other, hello.peer_url);
  }

  linkTo(panel, url) {
    for (const each of this.panels) each.link.hidden = url === null || each !== panel;
    if (url !== null && panel.link.href !== url) panel.link.href = url;
  }
}

function own(status, hello) {
  return {
    Epoch: count(status.epoch),
    ...(status.role === "active" ? { Sessions: count(status.sessions) } : { Cache: count(status.cached) }),
    Up: span(status.uptime_s),
    Priority: count(hello.priority),
  };
}

function others(peer) {
  return {
    Epoch: count(peer.epoch),
    [peer.role === "active" ? "Sessions" : "Cache"]: count(peer.sessions),
    Heard: peer.age_ms === null ? "never" : ms(peer.age_ms),
    Priority: count(peer.priority),
  };
}
