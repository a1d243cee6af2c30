"""The HA session cache of the passive node, in the look of `diagnose ips share list`."""

from __future__ import annotations

from node.cli.views.text import Record, clean, fill, part, records

ENTRY = """\
  client={client} server={server}
    service={service}, ignore_app_after={ignore_app_after:n}, last_app={last_app}, \
buffer_len={buffer_len[0]:n}/{buffer_len[1]:n}
    stock tags: nr={tags[stock][nr]:n}, hash={tags[stock][hash]:x}
    custom tags: nr={tags[custom][nr]:n}, hash={tags[custom][hash]:x}
    tags [count={count}]: {names:list}
    id={id} serial={serial} age={age_s:n} state_bytes={state_bytes:n} {standing}"""


def render(data: object) -> str:
    """The cache; `data` is the answer to GET /cache. buffer_len: to the server / to the client."""
    entries = [_entry(record) for record in records(data)]
    return "\n".join([" HA Session Cache", *(entries or ["  (empty)"])])


def _entry(record: Record) -> str:
    tags = part(record, "tags").get("set")
    names = [f"{clean(name)}," for name in tags] if isinstance(tags, list) else []
    standing = "incomplete" if record.get("complete") is False else "complete"
    return fill(ENTRY, {**record, "count": len(names), "names": names, "standing": standing})
