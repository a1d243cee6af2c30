// What the page asks of its node beside the stream. The header is one that no foreign page could send.

const HEADERS = { "X-Tandem": "page" };

export async function order(path, body) {
  try {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = body === undefined ? HEADERS : { ...HEADERS, "Content-Type": "application/json" };
    const response = await fetch(path, { method: "POST", headers, ...json });
    const answer = await response.json();
    return { ok: response.ok, error: answer.error ?? "" };
  } catch {
    return { ok: false, error: "the node does not answer" };
  }
}

export async function look(path) {
  try {
    const response = await fetch(path, { cache: "no-store" });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
