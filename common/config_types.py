"""The types of configuration values, with their bounds, and what every section has in common."""

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from common.duration import MOST_DAYS, duration_ms

ONE_LINE = "one_line"  # pydantic's name for the refusal of a newline, after which the value is never shown


def without_end(value: object) -> object:
    """A text without the one newline that files and `echo` leave at its end; anything else as it is."""
    return value.removesuffix("\n").removesuffix("\r") if isinstance(value, str) and value[-1:] == "\n" else value


def one_line(value: object) -> object:
    """`without_end`; a newline elsewhere is refused."""
    value = without_end(value)
    if isinstance(value, str) and ("\n" in value or "\r" in value):
        raise PydanticCustomError(ONE_LINE, "must be one line, but holds a newline")
    return value


def openable(place: str) -> str:
    """A place of Delta tables that Spark, delta-rs and pyarrow all take for the same."""
    # delta-rs takes these for escapes, and for a separator, of a local path too; a URI has them and others escaped
    bad = re.search(r"[^A-Za-z0-9._~:/@!$&'()*+,;=-]" if "://" in place else r"[%\\\x00-\x1f\x7f]", place)
    if bad:
        kind = "an address" if "://" in place else "a path"
        raise PydanticCustomError("sign", f"{kind} of Delta tables must not hold {bad[0]!r}: not every reader opens it")
    return place


def apart_from_routes(path: str) -> str:
    """A sub-path, which must not begin like a path of the API itself: a proxy may leave it in or take it off."""
    if (first := path.split("/")[1:2]) and first[0] in ("v1", "assets", "docs"):
        raise PydanticCustomError("sub_path", f"must not begin with /{first[0]}, which is a path of the API itself")
    return path


def in_digits(form: str, kind: str) -> BeforeValidator:
    """A number as it is, or a text of plain digits: Python takes true for 1, and 1_000 for a number."""
    written = re.compile(form)

    def checked(value: object) -> object:
        if isinstance(value, bool) or (isinstance(value, str) and not written.fullmatch(value.strip())):
            raise PydanticCustomError("digits", f"must be {kind}")
        return value

    return BeforeValidator(checked)


def at_most_a_century(text: str) -> str:
    """A duration that Spark, Redis and the schedule can add to today."""
    if duration_ms(text) > MOST_DAYS * 86_400_000:
        raise ValueError(f"must be at most {MOST_DAYS} days")
    return text


def each_once(values: list[Any]) -> list[Any]:
    """A list in which nothing is twice."""
    for place, value in enumerate(values):
        if value in values[:place]:
            raise ValueError(f"has {value!r} twice; once is enough")
    return values


MOST = 2**31 - 1  # what Java and Spark take for a number of things
Int = Annotated[int, in_digits(r"[+-]?(?:0|[1-9][0-9]{0,17})", "an integer of at most 18 decimal digits")]
Float = Annotated[
    float,
    Field(allow_inf_nan=False),
    in_digits(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", "a number in decimal digits"),
]
Positive = Annotated[Int, Field(gt=0, le=MOST)]
NonNegative = Annotated[Int, Field(ge=0, le=MOST)]
Minutes = Annotated[Int, Field(gt=0, le=MOST_DAYS * 1440)]
Hours = Annotated[Int, Field(gt=0, le=MOST_DAYS * 24)]
Days = Annotated[Int, Field(gt=0, le=MOST_DAYS)]
Seconds = Annotated[Float, Field(ge=0.001, le=86_400)]
RowsACall = Annotated[Int, Field(gt=0, le=20_000)]  # Redis answers nobody meanwhile
NewestUsers = Annotated[Int, Field(ge=0, le=3000)]  # two arguments each, and Lua passes some 8,000 at most
Port = Annotated[Int, Field(ge=0, le=65535)]
Fraction = Annotated[Float, Field(ge=0, le=1)]
PositiveFloat = Annotated[Float, Field(gt=0)]
NonNegativeFloat = Annotated[Float, Field(ge=0)]
Weight = Annotated[Float, Field(ge=0, le=1000)]
EachOnce = AfterValidator(each_once)
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*$")]
Line = Annotated[str, BeforeValidator(one_line)]
Text = Annotated[str, Field(min_length=1), BeforeValidator(one_line)]
Property = Annotated[str, BeforeValidator(without_end)]
RootPath = Annotated[Line, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$"), AfterValidator(apart_from_routes)]
Tables = Annotated[Text, AfterValidator(openable)]
Duration = Annotated[
    str, Field(pattern=r"^[0-9]{1,17} (milliseconds|seconds|minutes|hours|days)$"), AfterValidator(at_most_a_century)
]
Action = Literal["view", "click", "exposure", "cart_add", "wish_add", "purchase", "refund"]

ANYBODY = "*"
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
DEFAULT_PORT = re.compile(r"http://.*:80|https://.*:443")


def origin(text: str) -> str:
    """An origin as browsers write it in their header `Origin`, with which it is compared, or `*`."""
    found = ORIGIN.fullmatch(text)
    if text != ANYBODY and not found:
        raise ValueError("must be scheme://host or scheme://host:port in lower case, with nothing after it, or '*'")
    if found and int(found["port"] or 0) > 65535:
        raise ValueError("must have a port of at most 65535")
    if DEFAULT_PORT.fullmatch(text):
        raise ValueError("browsers leave the port out where it is the scheme's own")
    return text


def alone(origins: list[str]) -> list[str]:
    """The origins, where `*` does not stand beside others."""
    if ANYBODY in origins and len(origins) > 1:
        raise ValueError("'*' is every origin already: it stands alone")
    return origins


Origins = Annotated[list[Annotated[str, AfterValidator(origin)]], EachOnce, AfterValidator(alone)]


class Strict:
    """A section: a key that is not one of its fields is refused, also inside a list."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
