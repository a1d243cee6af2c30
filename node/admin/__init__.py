"""The admin API: what the node shows, and the few orders it takes, over HTTP; and the page.

routes.py    the form of a route: method, path, handler, and who may
table.py     the routes there are: add one here
sources.py   where they get their answers from
answers.py   handlers from plain functions; long lists are written in slices
search.py    sessions found by what was typed     stream.py   the status and events as they come
log.py       events that fit filters

server.py    the Unix socket, which only the node's user may open: whoever does may do everything
outside.py   the same routes over TCP, if configured: with the token, by TLS or on loopback
listener.py  bounds connections                   buckets.py  bounds requests
door.py      host, origin, and what a caller may  logins.py   the page's cookies
files.py     serves the page                      page/       HTML, CSS and JavaScript, as the browser gets them

No request takes the loop for long: lists go out slice by slice, and bodies, rows, readers and connections are bounded.
Without the token nothing of the node is told over TCP but that it answers (/health).
"""

from node.admin.routes import Access, Route
from node.admin.server import Admin
from node.admin.sources import Sources
from node.admin.table import routes

__all__ = ["Access", "Admin", "Route", "Sources", "routes"]
