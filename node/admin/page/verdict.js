// What it all comes to, in one line: is the service up, and would it survive the next failure?

import { byId, mark, say } from "./dom.js";
import { many, span } from "./words.js";

const SIGNS = {
  good: "M9.5 18.6 3 12.1l2.4-2.4 4.1 4.1 9.1-9.1L21 7.1z",
  warn: "M12 2 23 21H1zM10.8 9v6h2.4V9zm0 7.4v2.4h2.4v-2.4z",
  alarm: "M7.5 2h9L22 7.5v9L16.5 22h-9L2 16.5v-9zM10.7 6v8h2.6V6zm0 9.6v2.6h2.6v-2.6z",
  old: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 2.6a7.4 7.4 0 1 1 0 14.8 7.4 7.4 0 0 1 0-14.8zM10.9 6v7l4.6 2.8 1.2-1.9-3.6-2.1V6z",
};

export function judge(state) {
  const { status, hello } = state;
  if (state.oldSince !== null) return unheard(state);
  const peer = status.peer;
  const heard = peer !== null && peer.age_ms !== null && peer.age_ms < hello.lost_ms;
  for (const rule of RULES) {
    const found = rule(status, peer, heard);
    if (found !== null) return found;
  }
  throw new Error("the last rule always applies");
}

function unheard({ hello, status, oldSince, now }) {
  const node = hello ? `node ${hello.node}` : "this node";
  const since = status ? ` for ${span((now - oldSince) / 1000)}` : "";
  const more = status ? "What stands below is old. The page calls the node again by itself." : "The page calls the node by itself.";
  return ["old", `No data from ${node}${since}`, more];
}

// In order; the first that applies is the verdict: level, words, more.
const RULES = [
  (s, peer, heard) =>
    s.role === "active" && heard && peer.role === "active"
      ? ["alarm", "Both nodes are active", "They see each other again: the one of the lower epoch stands down."]
      : null,
  (s) => (s.role === "fault" ? ["alarm", `Node ${s.node} has a fault`, told(s)] : null),
  (s) => (s.role === "starting" ? ["warn", `Node ${s.node} is starting`, "It listens for the other one first."] : null),
  (s, peer, heard) =>
    s.role !== "active" && !(heard && peer.role === "active")
      ? ["alarm", "No active node is heard", "Unless the other one serves unheard, the service is down."]
      : null,
  (s) =>
    s.role === "active" && s.sync !== "in-sync"
      ? ["warn", "In service, not protected", `The next failure breaks ${many(s.sessions, "connection")}: ${told(s)}.`]
      : null,
  (s) => (s.role === "active" && s.degraded ? ["warn", "In service, weakened", `${told(s)}.`] : null),
  (s, peer) =>
    s.role === "active" ? ["good", "In service, protected", `Node ${peer?.name ?? "?"} can take over at any moment.`] : null,
  (s, peer) =>
    s.sync !== "in-sync"
      ? ["warn", "Standing by, not ready", `Node ${peer.name} serves alone: ${told(s)}.`]
      : null,
  (s) => (s.degraded ? ["warn", "Standing by, weakened", `${told(s)}.`] : null),
  (s, peer) => ["good", "Standing by, ready to take over", `Node ${peer.name} serves ${many(peer.sessions, "session")}.`],
];

function told(status) {
  return status.problems.length ? status.problems.join("; ") : status.sync;
}

export function showVerdict(state) {
  const [level, words, more] = judge(state);
  mark(document.body, "level", level);
  say(byId("verdict-words"), words);
  say(byId("verdict-more"), more);
  const sign = byId("verdict-sign");
  if (sign.getAttribute("d") !== SIGNS[level]) {
    sign.setAttribute("d", SIGNS[level]);
    sign.setAttribute("fill-rule", "evenodd");
  }
  const mine = state.status ? `${state.status.node} ${state.status.role}` : "tandem";
  const title = `${level === "good" ? "" : "! "}${level === "old" ? "old data, " : ""}${mine}`;
  if (document.title !== title) document.title = title;
  return words;
}
