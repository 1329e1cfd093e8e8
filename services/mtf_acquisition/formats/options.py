"""How a file's bytes become a table: the arguments that `file`, `http` and `upload` share."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator

Format = Literal["csv", "tsv", "jsonl", "parquet"]
Compression = Literal["none", "gzip", "bz2", "xz", "zstd"]
CredentialName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
"""The name of a secret: letters, digits and underscores, so that it is an environment variable and a file name."""


def _listed(value: Any) -> Any:
    """`na_values: "?"` is short for `na_values: ["?"]`."""
    return [value] if isinstance(value, str | int | float) else value


class SourceArgs(BaseModel):
    """What every source takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    credential: CredentialName | None = Field(
        default=None, description="The name of a secret; its value stands in `MTF_CREDENTIAL_<NAME>` or in a file of `MTF_CREDENTIALS_DIR`."
    )


class TableArgs(SourceArgs):
    """Options of the format. What is not given is found out from the content."""

    format: Format | None = Field(default=None, description="`csv`, `tsv`, `jsonl` or `parquet`; by content and name when absent.")
    compression: Compression | None = Field(default=None, description="By content when absent.")
    header: bool | None = Field(default=None, description="Whether the first line names the columns; true unless `names` is given.")
    names: list[str] | None = Field(default=None, min_length=1, description="Names of the columns, for a file without a header.")
    delimiter: str | None = Field(default=None, min_length=1, max_length=1, description="One character; a comma, or a tab for tsv.")
    na_values: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default=[""], description="Texts that mean missing, in every column. Giving a list replaces the default."
    )
    encoding: str = Field(default="utf-8", description="Text encoding, for example utf-8, latin-1, cp1252, utf-16.")
    skip_initial_space: bool = Field(default=False, description="Ignore blanks behind a delimiter.")
    quote: str | None = Field(default='"', max_length=1, description="The quote character; null or empty where quotes mean nothing.")
    skip_rows: int = Field(default=0, ge=0, description="Lines to skip before the header or the first row, for example a comment.")
    columns: list[str] | None = Field(default=None, min_length=1, description="Read these columns only.")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            found = codecs.lookup(value)
        except (LookupError, ValueError):
            raise ValueError(f"there is no encoding `{value[:50]}`; common ones are utf-8, latin-1, cp1252 and utf-16") from None
        if not found._is_text_encoding:  # noqa: SLF001 - CPython has no public name for it: base64 and rot13 are codecs too
            raise ValueError(f"`{value[:50]}` is no encoding of text; common ones are utf-8, latin-1, cp1252 and utf-16")
        return found.name

    @field_validator("delimiter", "quote")
    @classmethod
    def _plain_character(cls, value: str | None) -> str | None:
        if value and (value in "\r\n\0" or not value.isascii()):
            raise ValueError("must be one ASCII character that is no line break")
        return value or None

    @field_validator("names", "columns")
    @classmethod
    def _all_different(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and len(set(value)) < len(value):
            twice = next(name for name in value if value.count(name) > 1)
            raise ValueError(f"`{twice[:100]}` stands there twice; names must differ")
        if value is not None and any(not name.strip() for name in value):
            raise ValueError("a name is empty")
        return value

    @property
    def has_header(self) -> bool:
        """Whether the first line names the columns."""
        return self.names is None if self.header is None else self.header
