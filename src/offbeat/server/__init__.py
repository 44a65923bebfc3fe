"""The server: the library's calls over HTTP, with a store, a queue of jobs and a history of cuts.

    options     what a person may set, and the limits
    records     what is handed out: series, models, jobs, cuts, labels
    store       the tables and their migrations; files: the data folder
    jobs        the queue and the worker processes that train and score
    workbench   every operation, as plain Python: the REST routes and the page call the same methods
    api         the routes; access, problems, observability: who may, what went wrong, what happened
    app, launch the application, and how it is started and stopped

`import offbeat` loads none of it.
"""
