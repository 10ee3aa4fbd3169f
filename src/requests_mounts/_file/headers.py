"""The headers that a policy sends, by their names in whatever case."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self, TypeAlias

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from requests_mounts._file.texts import HeaderField, HeaderValue
from requests_mounts._secret import Secret, is_secret

HeaderSetting: TypeAlias = str | Secret | Literal[False]


class Headers(tuple[tuple[str, HeaderSetting], ...]):
    """Names as they are written, and values; false for a header that is not to be sent."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        table = handler.generate_schema(dict[HeaderField, HeaderValue])
        return core_schema.no_info_wrap_validator_function(
            cls._validate,
            table,
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )

    @classmethod
    def _validate(cls, value: object, handler: Callable[[object], Any]) -> Self:
        return value if isinstance(value, cls) else cls.of(handler(value))

    @classmethod
    def of(cls, table: Mapping[str, HeaderSetting]) -> Self:
        """Return the headers of a table; what is secret by its name is hidden."""
        return cls(
            (name, Secret(value) if isinstance(value, str) and is_secret(name) else value)
            for name, value in table.items()
        )

    def by_name(self) -> dict[str, HeaderSetting]:
        """Return the values by the names in lower case."""
        return {name.lower(): value for name, value in self}

    def get(self, name: str) -> HeaderSetting | None:
        """Return the value of a header, whatever the case of its name."""
        return self.by_name().get(name.lower())


def find_name(table: Any, name: str) -> str:
    """Return the name of a header as a table spells it; as it is if it is not there."""
    names = table if isinstance(table, dict) else {}
    return (
        name if name in names else next((one for one in names if one.lower() == name.lower()), name)
    )


def merge_headers(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay headers over others, whatever the case of their names."""
    names = {name.lower() for name in above}
    return {name: value for name, value in below.items() if name.lower() not in names} | above
