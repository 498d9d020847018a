"""What may be shown: a surface's own candidates, and popular ones where filters and purchases leave too few."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from common.views.offers import Product
from common.views.surfaces import Person
from serving.services import Services
from serving.surfaces.asked import Asked
from serving.surfaces.pool import IN_CATEGORY, NONE, OVERALL, Pool, products_of


@dataclass(frozen=True)
class Filled:
    """Products that may be shown; `fallback` names the popular ones that stand in where none of them is the surface's
    own."""

    products: dict[str, Product]
    fallback: str | None


async def filled(
    services: Services,
    asked: Asked,
    person: Person,
    own: Iterable[str],
    popular: Pool,
    mixed: bool = True,
    but: Collection[str] = (),
) -> Filled:
    """`own` as far as admitted; then what is popular at hand, if `mixed` or fewer than the limit; then of what is
    popular overall as much as is still missing, all of it where nothing is the surface's own. Nothing of `but`."""
    ranked = popular.in_category | popular.overall

    async def admitted(items: Iterable[str]) -> dict[str, Product]:
        products = await products_of(services, [item for item in items if item not in but], ranked)
        return dict(person.admitted(products, asked.filters))

    found = await admitted(own)
    if not found:
        within, overall = await admitted(popular.in_category), await admitted(popular.overall)
        return Filled(within | overall, IN_CATEGORY if within else OVERALL if overall else NONE)
    if mixed or len(found) < asked.limit:
        found |= await admitted(popular.in_category)
    if len(found) < asked.limit:
        more = [one for one in (await admitted(popular.overall)).items() if one[0] not in found]
        found |= dict(more[: asked.limit - len(found)])
    return Filled(found, None)
