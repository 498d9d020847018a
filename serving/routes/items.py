"""GET /v1/items/{id}: the product as the catalogue's change records left it in the cache."""

from fastapi import APIRouter, Depends, Request

from serving.answers import Json
from serving.auth import needs
from serving.routes.parameters import PathId, known_only
from serving.schemas import ItemBody
from serving.stores import read_product

router = APIRouter(tags=["read"], dependencies=[Depends(needs("read")), Depends(known_only)])


@router.get("/items/{item_id}", response_model=ItemBody)
async def get_item(request: Request, item_id: PathId) -> Json:
    """An unknown item is no error: `fallback` says so and nothing else is known."""
    product = await read_product(request.app.state.services, item_id)
    price, stock = product.get("price"), product.get("stock")
    texts = {name: product.get(name) or None for name in ("title", "category", "style", "brand", "status")}
    return Json(
        {
            "item_id": item_id,
            "fallback": None if product else "unknown-item",
            **texts,
            "price": float(price) if price else None,
            "stock": int(float(stock)) if stock else None,
        }
    )
