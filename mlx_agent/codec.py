"""Records to JSON and back, validated.

One place, so that the store, the data sets, the worker's wire and the socket agree. Pydantic
validates the standard-library dataclasses as they are.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(record_type: Any) -> TypeAdapter[Any]:
    if record_type not in _adapters:
        _adapters[record_type] = TypeAdapter(record_type)
    return _adapters[record_type]


def dumps(record: Any) -> str:
    """The record as one line of JSON, keys in field order."""
    return _adapter(type(record)).dump_json(record).decode()


def to_data(record: Any) -> Any:
    """The record as JSON-compatible data."""
    return _adapter(type(record)).dump_python(record, mode="json")


def loads(record_type: type[T], text: str | bytes) -> T:
    """Parse JSON into `record_type`; raises pydantic.ValidationError."""
    record: T = _adapter(record_type).validate_json(text)
    return record


def from_data(record_type: type[T], data: Any) -> T:
    """Build `record_type` from JSON-compatible data; raises pydantic.ValidationError."""
    record: T = _adapter(record_type).validate_python(data)
    return record
