"""Tokens name callers."""

import asyncio

import pytest

from mtf.cache import Cache
from mtf.errors import AuthError, BusyError, SpecError
from mtf_gateway.principals import Callers, parse_tokens

ANN = "0123456789abcdef"


def test_tokens_are_pairs_on_lines_or_between_commas() -> None:
    """Comments and blank lines are passed over; a token may hold colons."""
    assert parse_tokens(f"# team\nann:{ANN}\n\n bob : {ANN}:x ,ci:{ANN}2") == {"ann": ANN, "bob": f"{ANN}:x", "ci": f"{ANN}2"}


@pytest.mark.parametrize("text", ["ann", "ann:short", f"a b:{ANN}", f":{ANN}", f"ann:{ANN}\nann:{ANN}2", f"{'x' * 200}:{ANN}"])
def test_a_bad_pair_is_refused_without_showing_the_token(text: str) -> None:
    """The error names the setting and never repeats a token."""
    with pytest.raises(SpecError) as caught:
        parse_tokens(text)
    assert caught.value.field == "MTF_API_TOKENS"
    assert ANN not in f"{caught.value.message} {caught.value.found}"


def test_everybody_is_anonymous_without_tokens() -> None:
    """An open gateway asks for nothing, and believes no token either."""
    callers = Callers({}, Cache())
    assert asyncio.run(callers.admit(None, "local")) == "anonymous"
    assert asyncio.run(callers.admit("whatever", "local")) == "anonymous"


def test_refusals_are_counted_by_reason() -> None:
    """Missing, wrong and too often are three different things to whoever watches."""

    class Told:
        seen: list[str] = []  # noqa: RUF012 - one test

        def refused(self, reason: str) -> None:
            self.seen.append(reason)

        def limited(self) -> None:
            self.seen.append("limited")

    async def scene() -> None:
        callers = Callers({"ann": ANN}, Cache(), rate_limit=1, told=Told())
        for token in (None, "wrong"):
            with pytest.raises(AuthError):
                await callers.admit(token, "local")
        answers = await asyncio.gather(*(callers.admit(ANN, "local") for _ in range(4)), return_exceptions=True)
        assert "ann" in answers
        assert any(isinstance(answer, BusyError) for answer in answers)

    asyncio.run(scene())
    assert Told.seen[:2] == ["missing", "wrong"]
    assert set(Told.seen[2:]) == {"limited"}
