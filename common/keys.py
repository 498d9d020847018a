"""Every Redis key, in one place. Each written key carries a TTL unless the table says otherwise.

| key | type | holds | written by |
|---|---|---|---|
| `P:{item}:f:<minute>` | hash | `category\\x1fitem` → 'contributions\|measures' of one minute | item sink |
| `P:{item}:p:<hour>` | hash | `category\\x1fitem\\x1fuser` → JSON minute → counts, if repeated | item sink |
| `P:{item}:x:<minute>` | hash | `category\\x1fitem\\x1fuser` → 'contributions\|' taken off | item sink |
| `P:{item}:as_of` | string | newest minute seen | item sink |
| `P:{item}:horizon` | string | minute T up to which the batch layer vouches (no TTL) | merge |
| `P:{item}:merged` | string | batch version that made the horizon (no TTL) | merge |
| `P:{item}:tree` | zset | categories seen, all at score 0: a sub-tree is a lexical range | item sink, batch |
| `P:{item}:r:<ranking>:<scope>` | zset | `category\\x1fitem` → score; scope: category or `*` | item sink, merge |
| `P:{item}:lows` | hash | merge under way → oldest minute changed since it began reading | merge, item sink |
| `P:{item}:base:<ranking>:<category>:<version>` | zset | batch up to T, the stream's settled part after it | batch |
| `P:{item}:lm:<ranking>` | string | landmark minute of the forward decay | item sink, merge |
| `P:{item}:corr:<version>:<ranking>:<hour>` | hash | category → factor at that local hour; `*`: other | batch |
| `P:{item}:<kind>:live` | string | version of the corrections (`corr`), the `rates` that is served | batch |
| `P:{item}:r:<rate>@<version>:<scope>` | zset | as above, a rate | batch |
| `P:u:{<user>}:b` | hash | `minute\\x1fcategory\\x1fitem` → 'counts\|newest ms\|price' | user sink |
| `P:u:{<user>}:recent` | zset | JSON action → epoch ms | collector |
| `P:u:{<user>}:sessions` | zset | sessions in which the user was anonymous → epoch ms of the login | collector |
| `P:u:{<user>}:kind` | string | 'u' the id was seen as a user's, else 's' as an anonymous session's | collector |
| `P:u:{<session>}:owner` | string | hash of the one user seen in the session; '' where there were several | collector |
| `P:u:{<user>}:forgotten` | string | epoch ms up to which nothing of the user counts any more | API, `forget` |
| `P:u:{<user>}:bought` | set | item ids bought in the long term | batch |
| `P:u:{<user>}:long` | string | JSON long-term profile | batch |
| `P:u:{<user>}:pattern` | string | JSON how the user browses in the long term, last items | batch |
| `P:i:{<item>}:fresh` | zset | newest users who acted on the item → epoch ms, `sessions.fresh_users` | user sink |
| `P:sessions:live` | string | version of the session index that is served (no TTL) | batch |
| `P:als:<version>:u:{<user>}` | string | JSON [[item, score], …] candidates, best first | batch |
| `P:als:versions` | set | versions that have candidate lists here | batch |
| `P:als:live` | string | version that is served (no TTL) | batch, `model` |
| `P:als:canary` | string | JSON {version, share}: a version for a share of the users (no TTL) | batch, `model` |
| `P:rel:<version>:<kind>:{<item>}` | string | JSON [[item, together, als], …]; kind: related, similar | batch |
| `P:rel:live` | string | version of these lists that is served (no TTL) | batch |
| `P:p:{<item>}` | hash | product: title, …; lsn, ts_ms, arrived_ms, left_out: its changes (no TTL) | catalog sink |
| `P:categories` | zset | categories in use, `serving.max_categories` → epoch seconds last seen | collector |
| `P:seen:{<event_id>}` | string | the collector's guard against a resent event | collector |
| `P:{kw}:meta` | hash | as_of, landmark, mass, horizon, version of the keywords | keyword sink, batch |
| `P:{kw}:u:<minute>:<keyword>` | HLL | who searched it in the minute | keyword sink |
| `P:{kw}:n:<minute>` | zset | keyword → distinct searchers of the minute | keyword sink |
| `P:{kw}:win` | zset | keyword → sum of `n` over the window, at least its people | keyword sink |
| `P:{kw}:base` | zset | keyword → decayed sum of `n` before the window; the largest | keyword sink, batch |
| `P:{kw}:f:<keyword>\\x1f<form>` | HLL | who typed it like this | keyword sink |
| `P:{kw}:forms:<keyword>` | zset | form → distinct searchers | keyword sink |
| `P:{kw}:hours` | hash | hour of day (UTC) → factor | batch |
| `P:{kw}:v:<version>` | zset | batch part of `base` up to T | batch |
| `P:u:{<user>}:shown` | zset | `item\\x1fmillis` → epoch ms, the newest shown | collector |
| `P:ctr:<version>` | string | JSON of a click-through model | batch |
| `P:ctr:live` | string | version of the click-through model that is served (no TTL) | batch |
| `P:<kind>:drift` | string | JSON {version, at_ms, psi, …}: what `als`, `ctr` learned from, beside earlier | batch |
| `P:progress:<query>` | string | JSON of the last micro-batch | streaming listener |
| `P:lease:<writer>` | string | JSON of who may write now: host, pid, since when | queries, jobs, schedule |
| `P:fence:<writer>` | string | the token of the newest writer (no TTL) | queries, jobs, schedule |
| `P:account:<query>` | string | JSON of what became of its records (no TTL); how far it is | `facts`, `lake` |
"""

from dataclasses import dataclass

ALL = "*"
SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Keys:
    """Key names under one prefix; `{…}` is Redis Cluster's hash tag, so what one script touches shares a slot."""

    prefix: str

    @property
    def item(self) -> str:
        return f"{self.prefix}:{{item}}:"

    def item_fact(self, minute: int) -> str:
        return f"{self.item}f:{minute}"

    def over(self, minute: int) -> str:
        return f"{self.item}x:{minute}"

    def repeated(self, hour: int) -> str:
        return f"{self.item}p:{hour}"

    @property
    def as_of(self) -> str:
        return f"{self.item}as_of"

    @property
    def low(self) -> str:
        return f"{self.item}lows"

    @property
    def horizon(self) -> str:
        return f"{self.item}horizon"

    @property
    def tree(self) -> str:
        return f"{self.item}tree"

    def ranking(self, name: str, scope: str) -> str:
        return f"{self.item}r:{name}:{scope}"

    def corrections(self, version: str, name: str, hour: int) -> str:
        return f"{self.item}corr:{version}:{name}:{hour}"

    @property
    def live_corrections(self) -> str:
        return f"{self.item}corr:live"

    @property
    def live_rates(self) -> str:
        return f"{self.item}rates:live"

    def landmark(self, name: str) -> str:
        return f"{self.item}lm:{name}"

    def base(self, name: str, category: str, version: str) -> str:
        return f"{self.item}base:{name}:{category}:{version}"

    def user_facts(self, user: str) -> str:
        return f"{self.prefix}:u:{{{user}}}:b"

    def recent(self, user: str) -> str:
        return f"{self.prefix}:u:{{{user}}}:recent"

    def sessions(self, user: str) -> str:
        return f"{self.prefix}:u:{{{user}}}:sessions"

    def kind(self, user: str) -> str:
        return f"{self.prefix}:u:{{{user}}}:kind"

    def owner(self, session: str) -> str:
        return f"{self.prefix}:u:{{{session}}}:owner"

    def forgotten(self, user: str) -> str:
        return f"{self.prefix}:u:{{{user}}}:forgotten"

    def bought(self, user: str) -> str:
        return f"{self.prefix}:u:{{{user}}}:bought"

    def long_term(self, user: str) -> str:
        return f"{self.prefix}:u:{{{user}}}:long"

    def long_pattern(self, user: str) -> str:
        return f"{self.prefix}:u:{{{user}}}:pattern"

    def candidates(self, version: str, user: str) -> str:
        return f"{self.prefix}:als:{version}:u:{{{user}}}"

    @property
    def listed_models(self) -> str:
        return f"{self.prefix}:als:versions"

    @property
    def live_model(self) -> str:
        return f"{self.prefix}:als:live"

    @property
    def canary(self) -> str:
        return f"{self.prefix}:als:canary"

    def fresh(self, item: str) -> str:
        return f"{self.prefix}:i:{{{item}}}:fresh"

    @property
    def live_sessions(self) -> str:
        return f"{self.prefix}:sessions:live"

    def related(self, version: str, kind: str, item: str) -> str:
        return f"{self.prefix}:rel:{version}:{kind}:{{{item}}}"

    @property
    def live_related(self) -> str:
        return f"{self.prefix}:rel:live"

    def product(self, item: str) -> str:
        return f"{self.prefix}:p:{{{item}}}"

    @property
    def categories(self) -> str:
        return f"{self.prefix}:categories"

    def seen(self, event_id: str) -> str:
        return f"{self.prefix}:seen:{{{event_id}}}"

    @property
    def kw(self) -> str:
        return f"{self.prefix}:{{kw}}:"

    @property
    def keyword_meta(self) -> str:
        return f"{self.kw}meta"

    @property
    def keyword_window(self) -> str:
        return f"{self.kw}win"

    @property
    def keyword_base(self) -> str:
        return f"{self.kw}base"

    @property
    def keyword_hours(self) -> str:
        return f"{self.kw}hours"

    def keyword_users(self, minute: int, keyword: str) -> str:
        return f"{self.kw}u:{minute}:{keyword}"

    def keyword_forms(self, keyword: str) -> str:
        return f"{self.kw}forms:{keyword}"

    def keyword_version(self, version: str) -> str:
        return f"{self.kw}v:{version}"

    def shown(self, user: str) -> str:
        return f"{self.prefix}:u:{{{user}}}:shown"

    def ctr_model(self, version: str) -> str:
        return f"{self.prefix}:ctr:{version}"

    @property
    def live_ctr(self) -> str:
        return f"{self.prefix}:ctr:live"

    def drift(self, kind: str) -> str:
        return f"{self.prefix}:{kind}:drift"

    def writer(self, part: str, name: str) -> str:
        return f"{self.prefix}:{part}:{name}"

    def account(self, query: str) -> str:
        return f"{self.prefix}:account:{query}"

    def progress(self, query: str) -> str:
        return f"{self.prefix}:progress:{query}"


def member(category: str, item: str) -> str:
    """How an item stands in rankings and fact hashes: its category and its id."""
    return f"{category}{SEPARATOR}{item}"


def split_member(text: str) -> tuple[str, str]:
    """(category, item) of a `member`."""
    category, _, item = text.partition(SEPARATOR)
    return category, item


def user_field(minute: int, category: str, item: str) -> str:
    """The field of a user fact in its user's hash."""
    return f"{minute}{SEPARATOR}{category}{SEPARATOR}{item}"
