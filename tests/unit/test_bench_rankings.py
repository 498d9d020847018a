"""What `bench rankings` asks: many different questions, so that kept answers are not what is measured."""

from urllib.parse import parse_qs, urlsplit

from bench.rankings import REQUESTS_PER_SECOND, questions
from common.config_load import load_config
from serving.routes.rankings import KEEP_SECONDS


def test_no_question_comes_again_while_its_answer_is_kept_and_all_kinds_are_asked() -> None:
    config = load_config(env={})
    paths = questions(config)
    assert len(set(paths)) == len(paths) > 10 * KEEP_SECONDS * REQUESTS_PER_SECOND
    within = [urlsplit(path) for path in paths[:250]]  # half a second
    asked = [{name: values[0] for name, values in parse_qs(url.query).items()} for url in within]
    assert {url.path for url in within} >= {"/v1/rankings/popular-fair", "/v1/rankings/views-24h"}
    assert {one.get("category") for one in asked} >= {None, "women", "women/shoes"}
    assert len({one["limit"] for one in asked}) > 3
