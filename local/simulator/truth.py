"""The truth behind a simulated run, as a JSON file: what tests and benches compare answers with."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from local.simulator.catalog import CATEGORIES, STYLES
from local.simulator.simulation import Simulation

PATHS = [path for path, _, _ in CATEGORIES]


def truth(simulation: Simulation) -> dict[str, Any]:
    """Tastes, appeal, the scenario, and counts of everything sent so far.

    `events` counts what was drawn by type (malformed ones among them); `faults` by kind: 'malformed' is the
    sum of its four kinds, 'duplicate' the copies beyond the first, 'late' the events dated back.
    """
    shop = simulation.shop
    return {
        "run_id": shop.run_id,
        "settings": asdict(simulation.settings),
        "categories": PATHS,
        "styles": list(STYLES),
        "items": _items(simulation),
        "users": _users(simulation),
        "scenario": asdict(shop.scenario),
        "events": dict(simulation.counts),
        "faults": dict(simulation.faults.counts),
        "trend_searches": shop.trend_searches,
        "promoted_purchases": shop.promoted_purchases,
    }


def write_truth(simulation: Simulation, file: Path) -> None:
    """Writes `truth` to the file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(orjson.dumps(truth(simulation), option=orjson.OPT_SERIALIZE_NUMPY))
    part.replace(file)


def _items(simulation: Simulation) -> list[dict[str, Any]]:
    catalog, appeal = simulation.shop.catalog, simulation.shop.choice.appeal.tolist()
    return [
        {
            "item_id": item_id,
            "category": PATHS[catalog.category[n]],
            "style": STYLES[catalog.style[n]],
            "price_level": float(catalog.price_level[n]),
            "appeal_at_first": float(catalog.appeal[n]),
            "appeal": appeal[n],
        }
        for n, item_id in enumerate(catalog.ids)
    ]


def _users(simulation: Simulation) -> list[dict[str, Any]]:
    shoppers = simulation.shop.shoppers
    return [
        {
            "user_id": user_id,
            "category_taste": shoppers.category_taste[n].round(5).tolist(),
            "style_taste": shoppers.style_taste[n].round(5).tolist(),
            "price_level": shoppers.price_level[n],
            "propensity": shoppers.propensity[n],
            "peak_hour": shoppers.peak_hour[n],
        }
        for n, user_id in enumerate(shoppers.ids)
    ]
