"""A model behind an address: Open Inference Protocol v2 over REST, or a plain JSON form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mtf.errors import ModelError, SpecError
from mtf.plugins import Prediction, SourceContext

if TYPE_CHECKING:
    import pyarrow as pa

    from mtf_inference.remote.call import Caller
    from mtf_inference.remote.forms import Form


class EndpointArgs(BaseModel):
    """Where the model answers and how it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(max_length=2000, description="For `oip` the model: `http://host/v2/models/NAME`; for `json` the address to post to.")
    protocol: Literal["oip", "json"] | None = Field(
        default=None, description="Told from the address when absent: `/v2/models/` means `oip`."
    )
    credential: str | None = Field(default=None, max_length=100, description="Name of a credential that is sent as a bearer token.")
    timeout: float = Field(default=30.0, gt=0, le=600, description="Seconds to wait for one answer.")
    connect_timeout: float = Field(default=5.0, gt=0, le=60, description="Seconds to wait for a connection.")
    batch: int = Field(default=1000, ge=1, le=65_536, description="Rows of one request.")
    retries: int = Field(default=3, ge=0, le=10, description="More tries of a request that failed in a way another try may not.")
    max_bytes: int = Field(default=64 << 20, ge=1, description="Largest answer in bytes.")

    @field_validator("url")
    @classmethod
    def _sane(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("give an address that begins with http:// or https://")
        if parts.username or parts.password:
            raise ValueError("an address must not hold a password; name a `credential` instead")
        return value

    @property
    def form(self) -> str:
        """The protocol, told from the address where it is not given."""
        return self.protocol or ("oip" if "/v2/models/" in urlsplit(self.url).path else "json")


class EndpointLoader:
    """Calls an address instead of opening a file."""

    name: ClassVar[str] = "endpoint"
    version: ClassVar[int] = 1
    Args: ClassVar[type[EndpointArgs]] = EndpointArgs
    suffixes: ClassVar[tuple[str, ...]] = ()
    remote: ClassVar[bool] = True
    unsafe: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ("numpy", "httpx2")

    def sniff(self, head: bytes) -> bool:  # noqa: ARG002 - the protocol's shape
        """Never: it opens no file."""
        return False

    def load(self, path: Path | None, args: EndpointArgs) -> NoReturn:  # noqa: ARG002 - the protocol's shape
        """Raise SpecError: an endpoint is called, not opened."""
        raise SpecError("an endpoint is called, not opened", field="model.source.type")

    def connect(self, args: EndpointArgs, context: SourceContext, deadline: float, *, regression: bool) -> EndpointModel:
        """Ask what the model wants. `deadline` is in monotonic seconds. Raises SpecError and EndpointError."""
        from mtf.outbound import GuardedTransport
        from mtf_inference.remote.call import Caller
        from mtf_inference.remote.forms import JsonForm
        from mtf_inference.remote.oip import OipForm

        secret = None
        if args.credential is not None:
            secret = context.credentials.get(args.credential)
            if secret is None:
                raise SpecError(
                    f"there is no credential `{args.credential}`",
                    field="model.source.credential",
                    found=args.credential,
                    fix="give it to the service as a file of that name in its credentials folder",
                )
        caller = Caller(args, GuardedTransport(context.http_allow, field="model.source.url"), secret, deadline)
        form = OipForm(caller, args.url) if args.form == "oip" else JsonForm(caller, args.url)
        return EndpointModel(caller, form, args, regression=regression)


class EndpointModel:
    """Sends rows in batches."""

    def __init__(self, caller: Caller, form: Form, args: EndpointArgs, *, regression: bool) -> None:
        self._caller, self._form, self._args, self._regression = caller, form, args, regression
        self.features: Sequence[str] | None = form.features
        self.width: int | None = form.width
        self.labels: Sequence[Any] | None = form.labels

    def predict(self, table: pa.Table) -> Prediction:
        """Score all rows of a table, `batch` rows a request. Raises ModelError for answers of another shape, EndpointError for none."""
        import numpy as np

        parts = [
            self._form.ask(table.slice(start, self._args.batch), regression=self._regression)
            for start in range(0, max(1, table.num_rows), self._args.batch)
        ]
        if len({(part.labels is None, part.scores is None) for part in parts}) != 1:
            raise ModelError("the endpoint gives scores for some requests only", field="model.source.url")
        labels = None if parts[0].labels is None else np.concatenate([np.asarray(part.labels) for part in parts])
        scores = None if parts[0].scores is None else np.concatenate([np.asarray(part.scores) for part in parts])
        return Prediction(labels=labels, scores=scores)

    def describe(self) -> dict[str, Any]:
        """The address without what might be secret in it, the protocol, and how many requests were made so far."""
        return {"format": "endpoint", "url": self._caller.shown, "protocol": self._args.form, **self._form.about}
