"""Inspected sessions, in the look of `diagnose ips session list`."""

from __future__ import annotations

from node.cli.views.text import Record, fill, records

# state: per side its TCP state, and the bytes and PDUs that came from it. cnfm: what the session was confirmed to be;
# set: the layers that have state; asm: octets of a PDU that is not complete, to the server / to the client.
ENTRY = """\
SESSION id:{id} serial:{serial} proto:{proto:n} age:{age_s:n} idle:{idle_s:n}
        service:{service} policy:{policy} resumed:{resumed:n} uninspected:{uninspected_pdus:n} denied:{denied:n} \
guarded:{guarded:n} ignore:{ignored:n}
  C-{client}, S-{server}
  state: C-{state[0]:upper}/{bytes[0]:n}/{pdus[0]:n}, S-{state[1]:upper}/{bytes[1]:n}/{pdus[1]:n}
  expire: {expire_s:n}
  app: {apps:list} last:{app}
  cnfm: {confirmed}
  set: {layers:list}
  asm: {held[0]:n}/{held[1]:n}
  tags: {tags:list}"""


def render(data: object) -> str:
    """The sessions; `data` is the answer to GET /sessions."""
    rows = records(data)
    return "\n".join([*(_entry(record) for record in rows), f"total session {len(rows)}"])


def _entry(record: Record) -> str:
    apps = record.get("apps") or ["ignored" if record.get("ignored") else record.get("app")]
    layers = [*(record.get("layers") or ()), *(["midstream"] if record.get("midstream") else [])]
    confirmed = "iccp" if record.get("detected") else None
    return fill(ENTRY, {**record, "apps": apps, "layers": layers, "confirmed": confirmed})
