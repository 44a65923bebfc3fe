"""Watchers: streams that the server watches itself, each in a process of its own.

desk        what people call;  request  what is asked for
guarding    what a URL may be, and what of it is shown
keeper      the processes: started, stopped, begun anew after a crash
process     what one of them does;  taught  the models, swapped between two rows when labels act
telling     what a watcher writes into the store;  feed  what is read from there
recording   the newest rows as a series of the workbench, so that all that acts on one acts on it
"""
