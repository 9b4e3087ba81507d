"""How many connections a process takes."""

from __future__ import annotations

import resource

import pytest

from littleshop import edge


def test_connections_are_fewer_than_the_files_a_process_may_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = {resource.RLIMIT_NOFILE: (256, 1024)}
    monkeypatch.setattr(resource, "getrlimit", few.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", few.__setitem__)
    assert edge.connections() == 768
    edge.allow_files()
    assert few[resource.RLIMIT_NOFILE] == (1024, 1024)
    few[resource.RLIMIT_NOFILE] = (1024, resource.RLIM_INFINITY)
    assert edge.connections() == edge.MOST_CONNECTIONS
    edge.allow_files()
    assert few[resource.RLIMIT_NOFILE] == (4352, resource.RLIM_INFINITY)
