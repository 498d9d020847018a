"""The data sets as events: counts and values against pandas, order, clocks, and what is refused how."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from common.errors import ConfigError
from common.validate import Rejection, epoch_ms, validate
from local import datasets
from local.datasets import online_retail
from local.datasets.replay import messages, parse_speed
from local.datasets.source import Dataset, Record, kept

NOW_MS = 1_700_000_000_000
RETAIL = pd.DataFrame(
    [
        ("536365", "85123A", 'A "RED" HEART, 하트 ❤', 6, "2010-12-01 08:26", 2.55, 17850, "United Kingdom"),
        ("C536366", "85123A", 'A "RED" HEART, 하트 ❤', -2, "2010-12-01 08:30", 2.55, 17850, "United Kingdom"),
        ("536367", "22752", None, 3, "2010-12-01 08:20", 7.65, None, "France"),
        ("536368", "22752", "BOX", -5, "2010-12-01 08:31", 0.0, None, "France"),
        ("A563185", "B", "Adjust bad debt", 1, "2010-12-01 08:31", -11062.06, None, "France"),
    ],
    columns=list(online_retail.TYPES),
)


def retail_file(folder: Path, suffix: str) -> Path:
    frame = RETAIL.assign(
        InvoiceDate=pd.to_datetime(RETAIL["InvoiceDate"]), CustomerID=RETAIL["CustomerID"].astype("Int64")
    )
    path = folder / f"retail{suffix}"
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


def rows(dataset: Dataset) -> list[Record]:
    return list(dataset.records(kept))[dataset.articles :]


def parsed(records: list[Record]) -> list[dict[str, Any]]:
    return [orjson.loads(record.value) for record in records]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_retail_rows_become_purchases_and_refunds(tmp_path: Path, suffix: str) -> None:
    records = rows(datasets.load("online-retail", retail_file(tmp_path, suffix)))
    events = parsed(records)
    assert [e["event_id"] for e in events] == ["or-2", "or-0", "or-1", "or-3", "or-4"]
    assert events[1] == {
        "event_id": "or-0", "event_type": "purchase", "event_time": "2010-12-01T08:26:00.000Z", "user_id": "17850",
        "session_id": "536365", "item_id": "85123A", "category": "other", "price": 2.55, "quantity": 6,
        "order_id": "536365", "properties": {"country": "United Kingdom"},
    }  # fmt: skip
    assert (events[2]["event_type"], events[2]["quantity"]) == ("refund", 2)
    assert "user_id" not in events[0]
    assert [(r.topic, r.key) for r in records[:3]] == [
        ("behavior", "536367"),
        ("behavior", "17850"),
        ("orders", "17850"),
    ]
    verdicts = [validate(event, NOW_MS) for event in events]
    assert [v.field if isinstance(v, Rejection) else "" for v in verdicts] == ["", "", "", "quantity", "price"]


def test_the_retail_catalogue_comes_first(tmp_path: Path) -> None:
    dataset = datasets.load("online-retail", retail_file(tmp_path, ".parquet"))
    first = list(dataset.records(kept))[: dataset.articles]
    articles = {r.key: orjson.loads(r.value)["after"] for r in first}
    assert {r.topic for r in first} == {"catalog"}
    assert articles["85123A"]["title"] == 'A "RED" HEART, 하트 ❤'
    assert (articles["22752"]["title"], articles["22752"]["price"]) == ("BOX", 7.65)
    assert articles["B"]["price"] is None


def test_views_are_added_only_on_demand_and_before_their_purchase(tmp_path: Path) -> None:
    dataset = datasets.load("online-retail", retail_file(tmp_path, ".parquet"), with_views=True)
    ids = [event["event_id"] for event in parsed(rows(dataset))]
    assert ids == ["orv-2", "or-2", "orv-0", "or-0", "or-1", "orv-3", "or-3", "orv-4", "or-4"]
    assert dataset.count == len(ids) + dataset.articles


def test_the_clock_keeps_or_shifts_event_times_and_never_runs_ahead(tmp_path: Path) -> None:
    dataset = datasets.load("online-retail", retail_file(tmp_path, ".parquet"))

    def sent(speed: str, shift: int | None) -> list[tuple[float, int]]:
        found = [m for m in messages(dataset, parse_speed(speed), shift) if m.topic != "catalog"]
        return [(m.due, (epoch_ms(orjson.loads(m.value)["event_time"]) or 0)) for m in found]

    first = 1_291_191_600_000
    minutes = [0, 6, 10, 11, 11]
    assert sent("max", None) == [(0.0, first + 60_000 * m) for m in minutes]
    assert sent("max", NOW_MS) == [(0.0, NOW_MS - 60_000 * (11 - m)) for m in minutes]
    assert sent("60", NOW_MS) == [(float(m), NOW_MS + 1000 * m) for m in minutes]


@pytest.mark.parametrize("text", ["0", "-1", "fast", "inf", "nan"])
def test_an_impossible_speed_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="above 0, or 'max'"):
        parse_speed(text)


def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path: Path) -> None:
    good = retail_file(tmp_path, ".parquet")
    (tmp_path / "text.parquet").write_text("hello")
    (tmp_path / "words.csv").write_text("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,"
                                        "CustomerID,Country\n1,2,3,many,2010-12-01 08:26,1,1,x\n")  # fmt: skip
    wrong = {
        ("nothing", good): "unknown dataset 'nothing'; known: online-retail, eshop-clothing",
        ("online-retail", tmp_path / "none.csv"): "no such file; .* needs a .parquet or .csv",
        ("online-retail", tmp_path / "text.parquet"): "cannot be read as .parquet",
        ("online-retail", tmp_path / "words.csv"): "many",
        ("eshop-clothing", good): "needs columns year, .*; found: InvoiceNo",
    }
    for (name, path), message in wrong.items():
        with pytest.raises(ConfigError, match=message) as caught:
            datasets.load(name, path)
        assert "\n" not in str(caught.value)


def test_clothing_clicks_from_semicolon_text_become_views(tmp_path: Path) -> None:
    header = (
        "year;month;day;order;country;session ID;page 1 (main category);page 2 (clothing model);"
        "colour;location;model photography;price;price 2;page"
    )
    path = tmp_path / "clicks.csv"
    path.write_text(f"{header}\n2008;4;30;2;29;7;4;P1;3;2;1;38;2;5\n2008;4;30;1;29;7;1;A2;1;5;1;28;2;1\n")
    first, second = parsed(rows(datasets.load("eshop-clothing", path)))
    began = 7 * 2_654_435_761 % 2**32 % 79_200
    expected = 1_209_513_600_000 + 1000 * (began + 30)  # 2008-04-30
    assert (first["event_id"], epoch_ms(first["event_time"])) == ("ec-1", expected)
    assert (second["event_id"], epoch_ms(second["event_time"])) == ("ec-0", expected + 30_000)
    assert (first["item_id"], first["category"], second["category"]) == ("A2", "trousers", "sale")
    assert second["properties"] == {"colour": 3, "location": 2, "page": 5, "photography": 1}


def test_all_of_online_retail_agrees_with_pandas(data_folder: Path) -> None:
    path = data_folder / "online_retail.parquet"
    frame = pd.read_parquet(path)
    records = rows(datasets.load("online-retail", path))
    cancelled = frame["InvoiceNo"].str.startswith("C")
    refused = ~cancelled & ((frame["Quantity"] < 1) | (frame["UnitPrice"] < 0))
    events = parsed(records)
    row = np.array([int(event["event_id"][3:]) for event in events])
    must_fail = refused.to_numpy()[row]
    for n in np.flatnonzero(must_fail | (row % 20 == 0)):  # every refused row and a twentieth of all
        assert isinstance(validate(events[n], NOW_MS), Rejection) == must_fail[n], events[n]
    assert Counter(r.topic for r in records) == {"orders": cancelled.sum(), "behavior": (~cancelled).sum()}
    assert must_fail.sum() == 1338
    assert sum("user_id" not in e for e in events) == frame["CustomerID"].isna().sum()
    got = pd.DataFrame({k: [e[k] for e in events] for k in ("event_id", "item_id", "price", "quantity", "category")})
    got.index = got["event_id"].str[3:].astype(int)
    assert (got.sort_index()["item_id"].to_numpy() == frame["StockCode"].to_numpy()).all()
    assert np.array_equal(got.sort_index()["price"], frame["UnitPrice"])
    expected = frame["Quantity"].where(~cancelled, frame["Quantity"].abs())
    assert np.array_equal(got.sort_index()["quantity"], expected)
    assert got.set_index("item_id")["category"].groupby(level=0).first().to_dict() == categories(frame)
    assert [r.time_ms for r in records] == sorted(r.time_ms for r in records)


def categories(frame: pd.DataFrame) -> dict[str, str]:
    """Category by article as the module's docstring states it, worked out with pandas."""
    named = frame.assign(Description=frame["Description"].str.strip()).query("Description > ''")
    counts = named.groupby(["StockCode", "Description"]).size().rename("n").reset_index()
    best = counts.sort_values(["StockCode", "n", "Description"], ascending=[True, False, True])
    title = best.groupby("StockCode")["Description"].first().reindex(frame["StockCode"].unique(), fill_value="")
    word = title.map(lambda text: re.sub("[^a-z]", "", text.lower().split()[-1]) if text else "")
    shared = word.map(word.value_counts())
    return dict(word.where((shared >= 20) & (word != ""), "other"))


def test_all_of_eshop_clothing_keeps_the_order_in_sessions(data_folder: Path) -> None:
    path = data_folder / "eshop_clothing.parquet"
    frame = pd.read_parquet(path)
    records = rows(datasets.load("eshop-clothing", path))
    events = parsed(records)
    assert not [v for e in events[::10] if isinstance(v := validate(e, NOW_MS), Rejection)]
    assert {r.topic for r in records} == {"behavior"}
    got = pd.DataFrame({"row": [int(e["event_id"][3:]) for e in events], "key": [r.key for r in records]})
    original = frame.loc[got["row"]].reset_index(drop=True)
    assert sorted(got["row"]) == list(range(len(frame)))
    assert (got["key"] == original["session ID"].astype(str)).all()
    assert (original.groupby("session ID")["order"].diff().dropna() > 0).all()
    assert [e["item_id"] for e in events] == original["page 2 (clothing model)"].tolist()
    assert [e["price"] for e in events] == original["price"].tolist()
    days = pd.to_datetime(original[["year", "month", "day"]])
    elapsed = np.array([r.time_ms for r in records]) - days.astype("datetime64[ms]").astype("int64").to_numpy()
    assert ((elapsed >= 0) & (elapsed < 86_400_000)).all()
