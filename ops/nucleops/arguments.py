"""Our typed settings as the ``dargs`` arguments that dpgen2 checks its input files with."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from dargs import Argument
    from pydantic.fields import FieldInfo


def arguments_of(model: type[BaseModel], leave_out: tuple[str, ...] = ()) -> list[Argument]:
    """Return the fields of settings as arguments: names, types, defaults, limits, descriptions.

    Parameters
    ----------
    model : type
        The settings; fields that are settings themselves become dictionaries.
    leave_out : tuple of str
        Fields that are not asked for.
    """
    return [
        _argument(name, field)
        for name, field in model.model_fields.items()
        if name not in leave_out
    ]


def _argument(name: str, field: FieldInfo) -> Argument:
    from dargs import Argument

    common: dict[str, Any] = {"optional": not field.is_required(), "doc": field.description or ""}
    kind: Any = field.annotation
    if not field.is_required():
        default = field.get_default(call_default_factory=True)
        common["default"] = default.model_dump() if isinstance(default, BaseModel) else default
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return Argument(name, dict, arguments_of(kind), **common)
    limits = TypeAdapter(Annotated[(kind, *field.metadata)] if field.metadata else kind)

    def allowed(value: Any) -> bool:
        try:
            limits.validate_python(value)
        except ValidationError:
            return False
        return True

    schema = limits.json_schema()
    schema.pop("title", None)
    return Argument(
        name, _types(kind), extra_check=allowed, extra_check_errmsg=f"allowed: {schema}", **common
    )


def _types(kind: Any) -> list[Any]:
    """Return the plain types of an annotation, which dargs tells values apart by."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _types(get_args(kind)[0])
    if origin is Literal:
        return list({type(value) for value in get_args(kind)})
    if origin in (Union, UnionType):
        return [plain for part in get_args(kind) for plain in _types(part)]
    if origin is tuple:
        return [list, tuple]
    if kind is float:
        return [float, int]
    return [origin or kind]
