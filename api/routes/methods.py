"""The pruning methods."""

import inspect

from fastapi import APIRouter

from api.schemas.methods import MethodItem, MethodList
from api.security.auth import Reader
from pruning.recipe import METHODS, MethodOptions

router = APIRouter(prefix="/v1/methods", tags=["methods"])


@router.get("", summary="List the pruning methods")
def list_methods(_principal: Reader) -> MethodList:
    """List every method with its formula and the JSON Schema of its options."""
    return _METHODS


def _item(name: str, options: type[MethodOptions]) -> MethodItem:
    formula = (inspect.getdoc(options) or "").partition("\n")[0]
    return MethodItem(name=name, formula=formula, options=options.model_json_schema())


_METHODS = MethodList(items=[_item(name, options) for name, options in METHODS.items()])
