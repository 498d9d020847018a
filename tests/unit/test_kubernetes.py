"""What Kubernetes puts into a container's environment for a Service of our name is no configuration; a typo is."""

import pytest

from common.config_load import load_config
from common.errors import ConfigError

SERVICE = {
    "STYLESTREAM_SERVICE_HOST": "10.0.0.1",
    "STYLESTREAM_SERVICE_PORT": "80",
    "STYLESTREAM_SERVICE_PORT_HTTP": "80",
    "STYLESTREAM_SERVICE_PORT_HTTP_ALT": "8080",
    "STYLESTREAM_PORT": "tcp://10.0.0.1:80",
    "STYLESTREAM_PORT_80_TCP": "tcp://10.0.0.1:80",
    "STYLESTREAM_PORT_80_TCP_PROTO": "tcp",
    "STYLESTREAM_PORT_80_TCP_PORT": "80",
    "STYLESTREAM_PORT_80_TCP_ADDR": "10.0.0.1",
    "STYLESTREAM_PORT_53_UDP": "udp://[fd00::1]:53",
    "STYLESTREAM_PORT_53_UDP_ADDR": "fd00::1",
    "STYLESTREAM_PORT_9_SCTP_PROTO": "sctp",
    "STYLESTREAM_API_SERVICE_HOST": "10.0.0.2",  # of a Service stylestream-api
    "STYLESTREAM_API_2_PORT": "tcp://10.0.0.2:80",
}


@pytest.mark.parametrize("name", sorted(SERVICE))
def test_a_variable_of_a_service_is_ignored(name: str) -> None:
    assert load_config(env={name: SERVICE[name]}) == load_config(env={})


def test_all_of_them_leave_our_own_variables_in_force() -> None:
    assert load_config(env={**SERVICE, "STYLESTREAM_SERVING__PORT": "8055"}).serving.port == 8055


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STYLESTREAM_PORT", "8055"),
        ("STYLESTREAM_SERVING_PORT", "8055"),
        ("STYLESTREAM_SERVING__POTR", "tcp://10.0.0.1:80"),
        ("STYLESTREAM_SERVICE__PORT", "8055"),
        ("STYLESTREAM_SERVICE_PORT", "http"),
        ("STYLESTREAM_SERVICE_HOSTS", "10.0.0.1"),
        ("STYLESTREAM_PORT_TCP", "tcp://10.0.0.1:80"),
        ("STYLESTREAM_PORT_80_TCP_HOST", "10.0.0.1"),
        ("STYLESTREAM_REDIS_URL", "redis://h:1"),
        ("STYLESTREAM_KAFKA_PORT_X", "tcp://h:1"),
    ],
)
def test_a_typo_is_still_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"environment variable {name}: unknown key"):
        load_config(env={name: value})
