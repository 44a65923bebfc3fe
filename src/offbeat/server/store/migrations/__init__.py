"""Changes of the tables, one file a change; `Store.migrate` applies those that are missing."""
