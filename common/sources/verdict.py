"""Which rule of `common.events` a record breaks first: the full rules, on columns.

They are tables walked by interpreted lambdas. Written out, they are a hundred branches that Spark would plan,
and generate code for, again in every micro-batch; only the records that fail a cheap test come here.
"""

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F

from common import events as contract
from common.sources.category import MAX_CATEGORY, as_path, normal_category
from common.sources.json_rules import holds_card, strict, too_deep

PATTERNS = {
    "id": contract.ID_PATTERN,
    "text": "(?s).*",
    "number": contract.NUMBER_PATTERN,
    "integer": contract.INTEGER_PATTERN,
    "time": contract.TIME_PATTERN,
}
TEXTS = "map<string,string>"


def verdict(value: Column, time: Callable[[Column], Column], received: Column) -> Column:
    """struct<field, reason> of the first broken rule, null when none is.

    `value` is the record's bytes, `time` turns a text into a timestamp, `received` is when the broker took it.
    """
    raw = value.cast("string")
    texts = _as_named(F.from_json(raw, TEXTS))
    payment = F.from_json(texts["payment"], TEXTS)
    parts = F.struct(texts.alias("texts"), _kinds(raw, "$[0]").alias("kinds"), payment.alias("payment"))
    whole = F.array(parts.withField("paid", _kinds(raw, "$[0].payment")))
    judged = F.element_at(F.transform(whole, lambda event: _of_event(event, time, received)), 1)
    return F.coalesce(
        _broken(F.octet_length(value) > contract.MAX_BYTES, *contract.TOO_LARGE),
        _broken(~strict(value) | too_deep(raw), *contract.LAX),
        judged,
        _broken(holds_card(raw), *contract.CARD),
    )


def _as_named(texts: Column) -> Column:
    """A category without the slashes that do not count, as what begins wrong is then seen. One that is too long is as
    it was, and one that is only when composed is made too long: the limit holds for both."""
    typed = F.try_element_at(texts, F.lit("category"))
    path, too_long = as_path(typed), F.length(normal_category(typed)) > MAX_CATEGORY
    named = F.when(too_long, F.rpad(path, MAX_CATEGORY + 1, "x")).otherwise(path)
    named = F.when(F.length(typed) > MAX_CATEGORY, typed).otherwise(named)
    return F.transform_values(texts, lambda name, text: F.when(name == "category", named).otherwise(text))


def _kinds(raw: Column, path: str) -> Column:
    """Name → Spark's name of the JSON type, of the members of an object in the record; null where there is none."""
    members = F.try_variant_get(F.try_parse_json(F.concat(F.lit("["), raw, F.lit("]"))), path, "map<string,variant>")
    return F.transform_values(members, lambda _, value: F.schema_of_variant(value))


def _of_event(event: Column, time: Callable[[Column], Column], received: Column) -> Column:
    texts, kinds = event["texts"], event["kinds"]
    event_type = _text(texts, F.lit("event_type"))
    persons = {name: _text(texts, F.lit(name)) for name in contract.PERSON_FIELDS}
    no_one = F.coalesce(*persons.values()).isNull()
    nobody = [
        _broken(text.rlike(f"^(?:{contract.NOBODY_PATTERN})\\z"), name, contract.NOBODY_REASON)
        for name, text in persons.items()
    ]
    paid = F.when(event["paid"].isNotNull(), event["payment"])
    card = _text(paid, F.lit("card_token")).rlike(f"^(?:{contract.CARD_PATTERN})\\z")
    return F.coalesce(
        _broken(kinds.isNull() | _no_field(texts), *contract.MALFORMED),
        _first_broken(texts, kinds, contract.FIELDS),
        _broken(~event_type.isin(*contract.EVENT_TYPES), "event_type", contract.TYPE_REASON),
        _first_missing(texts, event_type),
        _broken(no_one, "user_id", contract.NO_ONE_REASON),
        *nobody,
        *_time_rules(time(texts["event_time"]), received),
        _broken(paid.isNull() & event_type.isin(*contract.PAYMENT_TYPES), "payment", contract.PAYMENT_REASON),
        _first_broken(paid, event["paid"], contract.PAYMENT_FIELDS, "payment."),
        _broken(card, "payment.card_token", contract.CARD_REASON),
        _broken(_no_object(texts, kinds, "payment"), "payment", contract.OBJECT_REASON),
        _broken(_no_object(texts, kinds, "properties"), "properties", contract.OBJECT_REASON),
    )


def _text(texts: Column, name: Column) -> Column:
    return F.nullif(F.try_element_at(texts, name), F.lit(""))


def _no_object(texts: Column, kinds: Column, name: str) -> Column:
    """Whether there is something that is none."""
    is_one = F.coalesce(F.try_element_at(kinds, F.lit(name)).startswith("OBJECT"), F.lit(False))
    return _text(texts, F.lit(name)).isNotNull() & ~is_one


def _broken(when: Column, field: str, reason: str) -> Column:
    return F.when(when, F.struct(F.lit(field).alias("field"), F.lit(reason).alias("reason")))


def _no_field(texts: Column) -> Column:
    names = F.array(*[F.lit(name) for name in (*contract.FIELD_NAMES, "payment")])
    return ~F.exists(names, lambda name: F.try_element_at(texts, name).isNotNull())


def _first_broken(texts: Column, kinds: Column, fields: tuple[contract.Field, ...], parent: str = "") -> Column:
    def broken(row: Column) -> Column:
        name, path, most, form, low, high, kind, *reasons = [row[n] for n in range(10)]
        text, given = _text(texts, name), F.try_element_at(kinds, name)
        written = given == "STRING"
        whole = written | F.rlike(text, F.lit(f"^(?:{contract.WHOLE_PATTERN})\\z"))
        a_number = ~written & ~F.rlike(given, F.lit("^(?:BOOLEAN|ARRAY|OBJECT)"))
        as_number = a_number & ((kind == "number") | ((kind == "integer") & _without_fraction(text)))
        fits = as_number | (F.rlike(text, form) & (~kind.isin("id", "text") | whole))
        why = F.when(text.isNotNull() & ~fits, reasons[1]).when(F.length(text) > most.try_cast("int"), reasons[0])
        inside = F.coalesce(
            text.try_cast("double").between(low.try_cast("double"), high.try_cast("double")), F.lit(False)
        )
        bounded = text.isNotNull() & kind.isin("number", "integer")
        return F.struct(path.alias("field"), why.when(bounded & ~inside, reasons[2]).alias("reason"))

    return _first([_rule(field, parent) for field in fields], broken)


def _without_fraction(text: Column) -> Column:
    """Whether a number written with a fraction or an exponent is an integer: Spark writes a double with a point."""
    amount = text.try_cast("double")
    written_so = F.rlike(text, F.lit(contract.FRACTION_OR_EXPONENT))
    return F.coalesce(written_so & (amount == F.rint(amount)) & (F.abs(amount) < F.lit(float("inf"))), F.lit(False))


def _rule(field: contract.Field, parent: str) -> list[object]:
    number, reasons = field.kind in ("number", "integer"), contract.reasons(field)
    return [
        field.name,
        f"{parent}{field.name}",
        field.limit if field.kind in ("id", "text") else "",
        f"^(?:{PATTERNS[field.kind]})\\z",
        *((field.minimum, field.maximum) if number else ("", "")),
        field.kind,
        *[reasons[rule] for rule in ("limit", "form", "minimum")],
    ]


def _first_missing(texts: Column, event_type: Column) -> Column:
    def missing(row: Column) -> Column:
        needed = event_type.isNull() | F.array_contains(F.split(row[1], ","), event_type)
        why = F.when(_text(texts, row[0]).isNull() & needed, F.lit(contract.REQUIRED_REASON))
        return F.struct(row[0].alias("field"), why.alias("reason"))

    return _first([[name, ",".join(types)] for name, types in contract.REQUIRED], missing)


def _time_rules(time: Column, received: Column) -> list[Column]:
    form = contract.reasons(contract.FIELDS[2])["form"]
    return [
        _broken(time.isNull(), "event_time", form),
        _broken(
            F.unix_millis(time) > F.unix_millis(received) + contract.MAX_AHEAD_MS, "event_time", contract.AHEAD_REASON
        ),
        _broken(F.unix_millis(time) < contract.OLDEST_MS, "event_time", contract.ANCIENT_REASON),
    ]


def _first(table: list[list[object]], judge: Callable[[Column], Column]) -> Column:
    """The first row of the table that gives a reason. As one text the table is one constant to the planner."""
    text = "\n".join("\t".join(map(str, row)) for row in table)
    verdicts = F.transform(F.split(F.lit(text), "\n"), lambda row: judge(F.split(row, "\t")))
    return F.get(F.filter(verdicts, lambda one: one["reason"].isNotNull()), F.lit(0))
