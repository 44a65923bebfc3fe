"""Which class a URL means; each is loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Sink, Source
from offbeat.errors import ConfigError, nearest_names

__all__ = ["SINKS", "SOURCES", "sink_of", "source_of"]

SOURCES = {
    "-": "standard.StandardInput",
    "file": "growing.FileSource",
    "amqp": "amqp.AMQPSource",
    "kafka": "kafka.KafkaSource",
    "machine": "machine.MachineSource",
    "mqtt": "mqtt.MQTTSource",
    "nats": "jetstream.JetStreamSource",
    "postgresql": "tailing.SQLSource",
    "prometheus+http": "prometheus.PrometheusSource",
    "prometheus+https": "prometheus.PrometheusSource",
    "redis": "redis_streams.RedisSource",
    "sqlite": "tailing.SQLSource",
}
"""Class of each scheme that rows can come from."""
SINKS = {
    "-": "standard.StandardOutput",
    "file": "standard.FileSink",
    "amqp": "amqp.AMQPSink",
    "kafka": "kafka.KafkaSink",
    "mqtt": "mqtt.MQTTSink",
    "nats": "jetstream.JetStreamSink",
    "notify": "notifying.NotificationSink",
    "postgresql": "database.SQLSink",
    "prometheus": "exporter.PrometheusSink",
    "redis": "redis_streams.RedisSink",
    "sqlite": "database.SQLSink",
    "table": "table.TableSink",
}
"""Class of each scheme that readings and events can go to."""


def source_of(url: str) -> Source:
    """The source that a URL means.

    Raises
    ------
    ConfigError
        If it means none, or an option is unknown.
    """
    made: Source = _made("source", url, SOURCES)
    return made


def sink_of(url: str) -> Sink:
    """The sink that a URL means.

    Raises
    ------
    ConfigError
        If it means none, or an option is unknown.
    """
    made: Sink = _made("sink", url, SINKS)
    return made


def _made(what: str, url: str, known: dict[str, str]) -> Any:
    address = Address.parse(url)
    if address.scheme not in known:
        near = nearest_names(address.scheme, known)
        raise ConfigError(f"{address.scheme}:// is no {what}: {near}")
    module, _, kind = known[address.scheme].partition(".")
    return getattr(import_module(f"offbeat.connect.{module}"), kind)(address)
