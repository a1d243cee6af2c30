// The page: a stream of states, shown; and what happens when it stops.

import { byId, say } from "./dom.js";
import { EventList } from "./events.js";
import { Figures } from "./figures.js";
import { Links } from "./links.js";
import { Nodes } from "./nodes.js";
import { look, order } from "./orders.js";
import { Sessions } from "./sessions.js";
import { Stream } from "./stream.js";
import { Switchover } from "./switchover.js";
import { TakeoverPanel } from "./takeover.js";
import { startThemes } from "./themes.js";
import { showVerdict } from "./verdict.js";
import { clock } from "./words.js";

const OLD_MS = 1000;
const LOOK_MS = 250;

const state = { hello: null, status: null, heardAt: 0, oldSince: 0, now: 0 };
const events = new EventList();
const sessions = new Sessions(() => state.oldSince === null);
const switchover = new Switchover(announce);
const panels = [new Nodes(), new Links(), new Figures(), new TakeoverPanel(), switchover];
let verdict = "";

const stream = new Stream({
  hello(hello) {
    state.hello = hello;
    say(byId("group"), `group ${hello.group}`);
    show("board");
  },
  status(status) {
    Object.assign(state, { status, heardAt: performance.now(), oldSince: null });
    say(byId("clock"), clock(status.at_s * 1000));
    paint();
  },
  events: (told) => events.take(told),
  lost: () => watch(true),
  refused: () => show("login"),
});

// Only what has changed is said aloud, and that is little: the verdict.
function announce(words) {
  say(byId("told"), words);
}

function paint() {
  state.now = performance.now();
  if (state.status !== null) for (const panel of panels) panel.show(state);
  const words = showVerdict(state);
  const plain = words.replace(/ for .*/, "");
  if (plain !== verdict) announce(`${state.status ? clock(state.status.at_s * 1000) : ""} ${plain}`.trim());
  verdict = plain;
}

// Data that stopped coming is old, whatever the reason: a connection lost, or a node that hangs.
function watch(lost) {
  const now = performance.now();
  if (state.oldSince === null && (lost || now - state.heardAt > OLD_MS)) state.oldSince = state.heardAt;
  if (state.oldSince !== null && !byId("board").hidden) paint();
}

function show(which) {
  byId("login").hidden = which !== "login";
  byId("board").hidden = which !== "board";
  byId("leave").hidden = which !== "board";
  if (which === "login") byId("token").focus();
  if (which === "board") sessions.start();
  else sessions.stop();
}

byId("login-form").addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const token = byId("token");
  const { ok, error } = await order("/login", { token: token.value.trim() });
  say(byId("login-error"), ok ? "" : `Not opened: ${error}`);
  if (!ok) return token.select();
  token.value = "";
  stream.run();
});

byId("leave").addEventListener("click", async () => {
  await order("/logout");
  location.reload();
});

startThemes(byId("theme"));
async function begin() {
  const answer = await look("/login");
  if (answer === null || answer.in) stream.run(); // a node that does not answer is called until it does
  else show("login");
}

setInterval(watch, LOOK_MS, false);
begin();
