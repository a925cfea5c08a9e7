"""Argo's expressions (expr-lang), as far as dflow and our manifests write them.

``{{=...}}`` in templates, ``retryStrategy.expression``, ``fromExpression``, ``depends``. What is
not known here is an error, not a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?)
  | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>\*\*|&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]])
)""",
    re.VERBOSE,
)
_WORDS = {"true": True, "false": False, "nil": None}
_BINARY: tuple[dict[str, Callable[[Any, Any], Any]], ...] = (
    {
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        "<=": lambda a, b: a <= b,
        ">=": lambda a, b: a >= b,
        "<": lambda a, b: a < b,
        ">": lambda a, b: a > b,
        "in": lambda a, b: a in b,
    },
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: a / b, "%": lambda a, b: a % b},
    {"**": lambda a, b: a**b},
)
"""Operators from loose to tight."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "toJson": lambda value: json.dumps(value),
    "asInt": int,
    "asFloat": float,
    "int": int,
    "float": float,
    "len": len,
    "string": lambda value: value if isinstance(value, str) else json.dumps(value),
    "jsonpath": lambda text, path: _jsonpath(text, path),
    "sprig": {
        "fromJson": json.loads,
        "untilStep": lambda start, stop, step: list(range(start, stop, step)),
        "atoi": int,
    },
}


class ExpressionError(ValueError):
    """An expression that cannot be read, or a name in it that has no value."""


def evaluate(text: str, scope: dict[str, Any]) -> Any:
    """Return the value of an expression.

    Parameters
    ----------
    text : str
        The expression.
    scope : dict
        Names to values, nested as in ``steps['a'].outputs.parameters['b']``.
    """
    parser = _Parser(text)
    value = parser.choice()
    parser.expect_end()
    return value({**FUNCTIONS, **scope})


Value = Callable[[dict[str, Any]], Any]
"""A parsed expression: evaluated only where its value is needed, as the branches of ``?:`` are."""


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise ExpressionError(f"{text!r}: cannot read from {text[at:]!r}")
            assert found.lastgroup is not None
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()

    def take(self, *words: str) -> str | None:
        if self.tokens and self.tokens[0][1] in words and self.tokens[0][0] != "string":
            return self.tokens.pop(0)[1]
        return None

    def need(self, word: str) -> None:
        if self.take(word) is None:
            raise ExpressionError(f"{self.text!r}: no {word!r} before {self.tokens[:3]}")

    def expect_end(self) -> None:
        if self.tokens:
            raise ExpressionError(f"{self.text!r}: cannot read {self.tokens}")

    def choice(self) -> Value:
        test = self.either()
        if self.take("?") is None:
            return test
        then = self.choice()
        self.need(":")
        other = self.choice()
        return lambda scope: then(scope) if test(scope) else other(scope)

    def either(self) -> Value:
        left = self.both()
        while self.take("||", "or"):
            left = (lambda a, b: lambda scope: a(scope) or b(scope))(left, self.both())
        return left

    def both(self) -> Value:
        left = self.binary(0)
        while self.take("&&", "and"):
            left = (lambda a, b: lambda scope: a(scope) and b(scope))(left, self.binary(0))
        return left

    def binary(self, level: int) -> Value:
        if level == len(_BINARY):
            return self.unary()
        left = self.binary(level + 1)
        while word := self.take(*_BINARY[level]):
            operation, right = _BINARY[level][word], self.binary(level + 1)
            left = (lambda f, a, b: lambda scope: f(a(scope), b(scope)))(operation, left, right)
        return left

    def unary(self) -> Value:
        if self.take("!", "not"):
            value = self.unary()
            return lambda scope: not value(scope)
        if self.take("-"):
            value = self.unary()
            return lambda scope: -value(scope)
        return self.postfix()

    def postfix(self) -> Value:
        value = self.primary()
        while word := self.take(".", "[", "("):
            if word == ".":
                name = self.tokens.pop(0)[1]
                value = self._member(value, lambda _, name=name: name)
            elif word == "[":
                index = self.choice()
                self.need("]")
                value = self._member(value, index)
            else:
                arguments = self.listed(")")
                value = (
                    lambda function, given: (
                        lambda scope: function(scope)(*[one(scope) for one in given])
                    )
                )(value, arguments)
        return value

    def _member(self, value: Value, index: Value) -> Value:
        def member(scope: dict[str, Any]) -> Any:
            holder, key = value(scope), index(scope)
            try:
                return holder[key]
            except (KeyError, IndexError, TypeError) as error:
                raise ExpressionError(f"{self.text!r}: there is no {key!r}") from error

        return member

    def listed(self, end: str) -> list[Value]:
        values: list[Value] = []
        while self.take(end) is None:
            values.append(self.choice())
            if self.take(",") is None:
                self.need(end)
                break
        return values

    def primary(self) -> Value:
        if self.take("("):
            value = self.choice()
            self.need(")")
            return value
        if self.take("["):
            values = self.listed("]")
            return lambda scope: [one(scope) for one in values]
        if not self.tokens:
            raise ExpressionError(f"{self.text!r} ends early")
        kind, word = self.tokens.pop(0)
        if kind == "number":
            number = float(word) if "." in word else int(word)
            return lambda scope: number
        if kind == "string":
            text = re.sub(r"\\(.)", r"\1", word[1:-1])
            return lambda scope: text
        if kind == "name":
            return self._name(word)
        raise ExpressionError(f"{self.text!r}: cannot read {word!r}")

    def _name(self, word: str) -> Value:
        if word in _WORDS:
            return lambda scope: _WORDS[word]

        def name(scope: dict[str, Any]) -> Any:
            if word not in scope:
                raise ExpressionError(f"{self.text!r}: there is no {word!r}")
            return scope[word]

        return name


def _jsonpath(text: str, path: str) -> Any:
    if path != "$":
        raise ExpressionError(f"jsonpath: only '$' is known here, not {path!r}")
    return json.loads(text)
