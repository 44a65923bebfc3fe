"""The page: rooms of the workbench, one a view, for a browser.

Every view calls the methods of `offbeat.server.workbench` that the REST routes call, and draws with
`offbeat.figures`. One process has one page: NiceGUI keeps its routes for all of it.
"""

from offbeat.server.page.doors import mount_page

__all__ = ["mount_page"]
