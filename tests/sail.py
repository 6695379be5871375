"""A Spark Connect server for tests: Sail, in this process, one for all tests of it; or the one that FARI_TEST_CLUSTER names (sc://host:port)."""

import os
from functools import cache
from typing import Any

_RUNNING: list[Any] = []


@cache
def sail() -> str:
    """The server's URL; it is started when it is first asked for and ends with the process."""
    if url := os.environ.get("FARI_TEST_CLUSTER"):
        return url
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _RUNNING.append(server)
    _, port = server.listening_address
    return f"sc://127.0.0.1:{port}"
