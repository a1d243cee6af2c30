// The figures, each with what it means; one that is not as it should be says so and is framed.

import { byId, make, mark, say } from "./dom.js";
import { bytes, count, ms } from "./words.js";

class Figure {
  constructor(title, gauge) {
    this.value = make("dd");
    this.note = make("dd", { class: "note" });
    this.root = make("dl", { class: "figure" }, make("dt", {}, title), this.value);
    if (gauge) {
      this.bar = make("i");
      this.lowest = make("b");
      this.root.append(make("div", { class: "gauge", "aria-hidden": "true" }, this.bar, this.lowest));
    }
    this.root.append(this.note);
  }

  show(value, note = "", level = "good") {
    say(this.value, level === "good" ? value : `▲ ${value}`);
    say(this.note, note);
    mark(this.root, "level", level);
  }
}

export class Figures {
  constructor() {
    this.sync = new Figure("Replication");
    this.lag = new Figure("Lag");
    this.lease = new Figure("Lease", true);
    this.reports = new Figure("Transfer reports");
    this.findings = new Figure("Findings");
    this.mode = new Figure("Takeover");
    const all = [this.sync, this.lag, this.lease, this.reports, this.findings, this.mode];
    byId("figures").append(...all.map((figure) => figure.root));
  }

  show({ status }) {
    const active = status.role === "active";
    const stream = status.replication;
    this.sync.show(status.sync, active ? "as this node sees the other" : "this node's cache", status.sync === "in-sync" ? "good" : "warn");
    this.lag.show(active ? ms(stream.lag_ms) : "–", active ? `${bytes(stream.lag_bytes)} on the way` : "the active node knows");
    this.showLease(status.lease, active);
    this.reports.show(active ? `${count(Math.round(status.reports_per_s))}/s` : "–", active ? "over all sessions" : "pass the active node");
    const { findings = 0, denied = 0 } = status.counters;
    this.findings.show(count(findings), `${count(denied)} denied`);
    const hitless = status.takeover === "hitless";
    this.mode.show(status.takeover, hitless ? "connections survive" : "connections break", hitless ? "good" : "warn");
  }

  showLease(lease, active) {
    if (!active) {
      this.lease.show("not held", "silent at the virtual addresses");
      this.gauge(0, 0);
      return;
    }
    const held = lease.remaining_ms > 0;
    const lowest = lease.lowest_margin_ms / lease.duration_ms;
    const level = held && lowest > 0.1 ? "good" : "warn";
    this.lease.show(held ? `${ms(lease.remaining_ms)} left` : "over", `of ${ms(lease.duration_ms)}, lowest ${ms(lease.lowest_margin_ms)}`, level);
    this.gauge(lease.remaining_ms / lease.duration_ms, lowest);
  }

  gauge(share, lowest) {
    const { bar, lowest: line } = this.lease;
    bar.parentElement.hidden = share === 0;
    bar.style.width = `${Math.max(0, Math.min(share, 1)) * 100}%`;
    line.style.left = `${Math.max(0, Math.min(lowest, 1)) * 100}%`;
  }
}
