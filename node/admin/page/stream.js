// The node's stream of server-sent events, read with fetch: that tells a refusal from a node that is gone.
// It comes back by itself, and what has been silent for too long is given up and called anew.

const SILENT_MS = 3000;
const RETRY_MS = [250, 500, 1000, 2000];

export class Stream {
  constructor(handlers) {
    this.handlers = handlers; // by event: hello, status, events; and refused(status), lost()
    this.running = false;
  }

  async run() {
    if (this.running) return;
    this.running = true;
    for (let failures = 0; this.running; failures += 1) {
      const outcome = await this.listen();
      if (outcome === "refused") break;
      if (outcome === "lasted") failures = 0;
      this.handlers.lost();
      await new Promise((resume) => setTimeout(resume, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]));
    }
    this.running = false;
  }

  async listen() {
    const abort = new AbortController();
    let silence = setTimeout(() => abort.abort(), SILENT_MS);
    let heard = false;
    for await (const message of this.messages(abort.signal)) {
      if (message.kind === "refused") {
        this.handlers.refused();
        return "refused";
      }
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), SILENT_MS);
      heard = true;
      this.handlers[message.kind]?.(message.data);
    }
    clearTimeout(silence);
    return heard ? "lasted" : "failed";
  }

  // Ends when the node is gone, frozen, or starting again. What a handler throws is not caught here.
  async *messages(signal) {
    try {
      const response = await fetch("/stream", { signal, cache: "no-store" });
      if (response.status === 401) yield { kind: "refused" };
      else if (response.ok) yield* messages(response.body);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    }
  }
}

async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) yield parsed(part);
  }
}

function parsed(part) {
  const [first, second] = part.split("\n");
  return { kind: first.slice("event: ".length), data: JSON.parse(second.slice("data: ".length)) };
}
