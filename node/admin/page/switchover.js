// The one order that the page gives: a planned switchover, after being asked whether it is meant.

import { byId, say } from "./dom.js";
import { order } from "./orders.js";
import { many } from "./words.js";

export class Switchover {
  constructor(announce) {
    this.announce = announce;
    this.button = byId("switchover");
    this.dialog = byId("ask");
    this.state = null;
    this.answer = "";
    this.button.addEventListener("click", () => this.ask());
    this.dialog.addEventListener("close", () => this.decided());
  }

  show(state) {
    this.state = state;
    const obstacle = why(state);
    if (this.button.disabled !== (obstacle !== "")) this.button.disabled = obstacle !== "";
    if (obstacle !== "" && this.dialog.open) this.dialog.close("no");
    say(byId("switchover-why"), obstacle || this.answer);
  }

  ask() {
    const { node, peer, sessions } = this.state.status;
    say(byId("ask-words"), `Node ${node} hands ${many(sessions, "session")} to node ${peer.name} and starts anew as its standby. Connections go on; their peers see a pause of some tens of milliseconds.`);
    this.dialog.returnValue = "no";
    this.dialog.showModal();
  }

  async decided() {
    if (this.dialog.returnValue !== "yes") return;
    const { ok, error } = await order("/switchover");
    this.answer = ok ? "" : `Refused: ${error}`;
    this.announce(ok ? "Switchover begun" : this.answer);
  }
}

function why({ status, oldSince }) {
  if (oldSince !== null) return "No data: nothing can be ordered.";
  if (status.role !== "active") return "Only the active node can hand over.";
  if (status.sync !== "in-sync" || status.peer === null) return "The other node could not take over now.";
  return "";
}
