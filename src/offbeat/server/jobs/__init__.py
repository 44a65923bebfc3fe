"""Jobs: a queue in the store, and worker processes that train, score and read.

Nothing is imported here: a worker process needs `tasks` and `worker` only, and starts quickly.
"""
