"""The admin API: what the node shows, and the few orders it takes, over HTTP.

routes.py   the form of a route: method, path, handler, and who may
table.py    the routes there are: add one here
answers.py  handlers from plain functions; long lists are written in slices
server.py   the listeners: a Unix socket that only the node's user may open

Whoever may open the Unix socket may do everything. No request takes the loop for long: lists go out slice by slice,
bodies and rows are bounded.
"""

from node.admin.routes import Access, Route
from node.admin.server import Admin
from node.admin.table import Sources, routes

__all__ = ["Access", "Admin", "Route", "Sources", "routes"]
