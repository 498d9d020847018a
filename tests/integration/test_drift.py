"""What the job `ctr` found to have moved, as Prometheus reads it."""

from datetime import datetime, timezone

import httpx
import redis

from batch import als_drift, ctr_drift
from common.config import Config
from common.keys import Keys

AT = datetime(2026, 3, 1, tzinfo=timezone.utc)


def test_the_newest_runs_figures_are_gauges_and_what_is_no_longer_there_stays(
    config: Config, redis_conn: redis.Redis, api: httpx.Client
) -> None:
    assert "stylestream_ctr_input_psi{" not in api.get("/metrics").text
    rates = {"": {"trained": 4.0, "newest": 3.5}, "now": {"newest": 6.25}}
    for moved in (0.1, 0.31):
        ctr_drift.publish(config, "20260301T000000", AT, {"hour": moved, "acted": 0.02}, rates)
    als_drift.publish(config, "20260301T000000", AT, {"strength": 0.015})
    assert b'"largest":"hour"' in redis_conn.get(Keys(config.redis.prefix).drift("ctr"))
    expected = {
        'stylestream_ctr_input_psi{feature="hour"} 0.31',
        'stylestream_ctr_input_psi{feature="acted"} 0.02',
        'stylestream_click_through{part="trained",surface="all"} 4.0',
        'stylestream_click_through{part="newest",surface="all"} 3.5',
        'stylestream_click_through{part="newest",surface="now"} 6.25',
        'stylestream_als_input_psi{input="strength"} 0.015',
        "stylestream_ctr_measured_timestamp_seconds 1.7723232e+09",
    }
    assert expected <= set(api.get("/metrics").text.splitlines())
    redis_conn.delete(Keys(config.redis.prefix).drift("ctr"))
    assert expected <= set(api.get("/metrics").text.splitlines())
    ctr_drift.publish(config, "20260302T000000", AT, {"acted": 0.02}, {"": {"trained": 4.0}})
    after = set(api.get("/metrics").text.splitlines())
    assert {'stylestream_ctr_input_psi{feature="hour"} NaN', 'stylestream_ctr_input_psi{feature="acted"} 0.02'} <= after
    assert 'stylestream_click_through{part="newest",surface="now"} NaN' in after
    for damaged in ("{", "[]", '{"psi": 3}', '{"psi": {"hour": null}, "click_through": {}, "at_ms": 1}'):
        redis_conn.set(Keys(config.redis.prefix).drift("ctr"), damaged)
        assert api.get("/metrics").status_code == 200
