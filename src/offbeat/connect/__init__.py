"""Sources and sinks: a stream comes from, and goes to, the systems that people have.

workflow     from addresses to a watch
watching     the watch, one straight line;  contract  what a source and a sink must be able to do
opening      which class a URL means;  addresses  a URL taken apart
decoding     bytes -> records;  fields  records -> rows;  routing  rows -> models
learning     models for series that have none;  retraining  models trained again
outcome      readings as plain values
growing      files;  standard  standard streams, lines of JSON;  database  SQL
jetstream, redis_streams     brokers;  loop  an event loop beside the watch
prometheus, exporter, monitoring                  queries, /metrics, rules and a dashboard
"""

from __future__ import annotations

from offbeat.connect.contract import Batch, Outcome, Refused, Sink, Source
from offbeat.connect.fields import Fields
from offbeat.connect.learning import Learner
from offbeat.connect.monitoring import write_monitoring
from offbeat.connect.opening import sink_of, source_of
from offbeat.connect.retraining import RetrainOptions
from offbeat.connect.routing import ModelRule, Router
from offbeat.connect.watching import Watch, WatchOptions
from offbeat.connect.workflow import watch

__all__ = [
    "Batch",
    "Fields",
    "Learner",
    "ModelRule",
    "Outcome",
    "Refused",
    "RetrainOptions",
    "Router",
    "Sink",
    "Source",
    "Watch",
    "WatchOptions",
    "sink_of",
    "source_of",
    "watch",
    "write_monitoring",
]
