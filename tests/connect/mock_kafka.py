"""A Kafka broker in this process: librdkafka's own mock cluster, which speaks the real protocol."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_size_t, c_void_p
from pathlib import Path

import pytest

SIGNATURES = {
    "rd_kafka_conf_new": (c_void_p, []),
    "rd_kafka_conf_set": (c_int, [c_void_p, c_char_p, c_char_p, c_char_p, c_size_t]),
    "rd_kafka_new": (c_void_p, [c_int, c_void_p, c_char_p, c_size_t]),
    "rd_kafka_destroy": (None, [c_void_p]),
    "rd_kafka_mock_cluster_new": (c_void_p, [c_void_p, c_int]),
    "rd_kafka_mock_cluster_destroy": (None, [c_void_p]),
    "rd_kafka_mock_cluster_bootstraps": (c_char_p, [c_void_p]),
    "rd_kafka_mock_topic_create": (c_int, [c_void_p, c_char_p, c_int, c_int]),
    "rd_kafka_mock_broker_set_down": (c_int, [c_void_p, c_int]),
    "rd_kafka_mock_broker_set_up": (c_int, [c_void_p, c_int]),
    "rd_kafka_mock_broker_set_rtt": (c_int, [c_void_p, c_int, c_int]),
}


def library() -> ctypes.CDLL:
    """Librdkafka, as the wheel of confluent-kafka has it."""
    package = pytest.importorskip("confluent_kafka")
    folder = Path(package.__file__).parents[1] / "confluent_kafka.libs"
    found = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    return found


class MockKafka:
    """One broker, which can go away and come back with what it holds."""

    def __init__(self) -> None:
        self._library = library()
        quiet = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(quiet, b"log_level", b"0", None, 0)
        self._client = self._library.rd_kafka_new(0, quiet, None, 0)
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        self.address = f"kafka://{self._call('cluster_bootstraps').decode()}"

    def create(self, topic: str, n_partitions: int) -> None:
        """A topic that is not there yet."""
        assert self._call("topic_create", topic.encode(), n_partitions, 1) == 0

    def cut(self) -> None:
        """No connection lives, and none can be made."""
        assert self._call("broker_set_down", 1) == 0

    def mend(self) -> None:
        """It is there again."""
        assert self._call("broker_set_up", 1) == 0

    def answer_after(self, seconds: float) -> None:
        """Every answer takes so long from now on."""
        assert self._call("broker_set_rtt", 1, round(seconds * 1000)) == 0

    def close(self) -> None:
        """Nothing of it is left."""
        self._call("cluster_destroy")
        self._library.rd_kafka_destroy(self._client)

    def _call(self, name: str, *arguments: object) -> bytes | int:
        return getattr(self._library, f"rd_kafka_mock_{name}")(self._cluster, *arguments)  # type: ignore[no-any-return]
