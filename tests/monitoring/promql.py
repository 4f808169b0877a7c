"""A small evaluation of PromQL: what our alerts use of it.

Series are samples at given times. `increase` and `rate` are the plain difference of the last and the first
sample in the range, without Prometheus's extrapolation to the ends of the range: so they are never larger.
A range that begins before the first sample is taken as it is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Value = Vector | float
Series = Mapping[Labels, Sequence[tuple[float, float]]]
"""By labels, `__name__` among them, the samples as (seconds, value), in their order."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)(?![\w])|(?P<name>[A-Za-z_:][\w:]*)|(?P<text>\"[^\"]*\")"
    r"|(?P<duration>\d+[smhd])|(?P<sign>==|!=|>=|<=|=~|!~|[-+*/()\[\]{},=><]))"
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LEVELS = (("and", "unless"), ("==", "!=", ">", "<", ">=", "<="), ("+", "-"), ("*",))
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}
_AGGREGATIONS: dict[str, Callable[[Sequence[float]], float]] = {"sum": sum, "max": max, "min": min}


@dataclass
class Evaluation:
    """One query at one moment."""

    series: Series
    at: float
    stale: float = 300.0
    """Seconds after which a series without a new sample is gone."""

    def __call__(self, query: str) -> Value:
        """Return the value of a query. Raises SyntaxError for what this evaluation does not know."""
        self._tokens = _tokens(query)
        self._next = 0
        value = self._binary(0)
        if self._next != len(self._tokens):
            raise SyntaxError(f"{query}: {self._tokens[self._next :]} is left over")
        return value

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self, *expected: str) -> str:
        token = self._peek()
        if expected and token not in expected:
            raise SyntaxError(f"{token!r} where {expected} should be, in {' '.join(self._tokens)}")
        self._next += 1
        return token

    def _binary(self, level: int) -> Value:
        if level == len(_LEVELS):
            return self._primary()
        left = self._binary(level + 1)
        while self._peek() in _LEVELS[level]:
            sign = self._take()
            on = self._names() if self._peek() == "on" and self._take() else None
            left = _combined(sign, left, self._binary(level + 1), on)
        return left

    def _primary(self) -> Value:
        token = self._take()
        if token == "(":
            value = self._binary(0)
            self._take(")")
            return value
        if re.fullmatch(r"\d+(\.\d+)?", token):
            return float(token)
        if token in _AGGREGATIONS:
            return self._aggregation(token)
        if token == "time":
            self._take("(")
            self._take(")")
            return float(self.at)
        if token in ("rate", "increase"):
            return self._over_a_range(token)
        selected = self._selected(self._matchers(token), self.at - self.stale)
        return {labels: samples[-1][1] for labels, samples in selected.items()}

    def _names(self) -> tuple[str, ...]:
        self._take("(")
        names = []
        while self._peek() != ")":
            names.append(self._take())
            if self._peek() == ",":
                self._take()
        self._take(")")
        return tuple(names)

    def _aggregation(self, kind: str) -> Vector:
        by = self._names() if self._peek() == "by" and self._take() else ()
        self._take("(")
        vector = self._binary(0)
        self._take(")")
        assert isinstance(vector, dict)
        groups: dict[Labels, list[float]] = {}
        for labels, value in vector.items():
            groups.setdefault(frozenset(item for item in labels if item[0] in by), []).append(value)
        return {labels: _AGGREGATIONS[kind](values) for labels, values in groups.items()}

    def _over_a_range(self, kind: str) -> Vector:
        self._take("(")
        matchers = self._matchers(self._take())
        self._take("[")
        duration = self._take()
        seconds = float(duration[:-1]) * _SECONDS[duration[-1]]
        self._take("]")
        self._take(")")
        found = {}
        for labels, samples in self._selected(matchers, self.at - seconds).items():
            if len(samples) < 2:
                continue
            pairs = pairwise(value for _, value in samples)
            grown = sum(after - before if after >= before else after for before, after in pairs)
            found[_without_name(labels)] = grown / seconds if kind == "rate" else grown
        return found

    def _matchers(self, name: str) -> list[tuple[str, str, str]]:
        if not re.fullmatch(r"[A-Za-z_:][\w:]*", name):
            raise SyntaxError(f"{name!r} is not a name of a figure, in {' '.join(self._tokens)}")
        matchers = [("__name__", "=", name)]
        if self._peek() == "{":
            self._take()
            while self._peek() != "}":
                matchers.append((self._take(), self._take("=", "!=", "=~", "!~"), self._take().strip('"')))
                if self._peek() == ",":
                    self._take()
            self._take("}")
        return matchers

    def _selected(
        self, matchers: Sequence[tuple[str, str, str]], since: float
    ) -> dict[Labels, list[tuple[float, float]]]:
        found = {}
        for labels, samples in self.series.items():
            recent = [(at, value) for at, value in samples if since <= at <= self.at]
            if recent and all(
                _matches(dict(labels).get(label, ""), sign, text) for label, sign, text in matchers
            ):
                found[labels] = recent
        return found


def _tokens(query: str) -> list[str]:
    found, at = [], 0
    while at < len(query.rstrip()):
        token = _TOKEN.match(query, at)
        if token is None:
            raise SyntaxError(f"{query[at:]!r} is not understood")
        found.append(token[0].strip())
        at = token.end()
    return found


def _matches(value: str, sign: str, text: str) -> bool:
    same = value == text if sign in ("=", "!=") else re.fullmatch(text, value) is not None
    return same is not sign.startswith("!")


def _without_name(labels: Labels) -> Labels:
    return frozenset(item for item in labels if item[0] != "__name__")


def _key(labels: Labels, on: Sequence[str] | None) -> Labels:
    return frozenset(item for item in labels if (item[0] != "__name__" if on is None else item[0] in on))


def _combined(sign: str, left: Value, right: Value, on: Sequence[str] | None) -> Value:
    if isinstance(left, float) and isinstance(right, float):
        return _ARITHMETIC[sign](left, right)
    if isinstance(left, float):
        assert isinstance(right, dict)
        return _each(sign, right, lambda value: (left, value))
    if isinstance(right, float):
        return _each(sign, left, lambda value: (value, right))
    others = {_key(labels, on): value for labels, value in right.items()}
    if sign in ("and", "unless"):
        return {
            labels: value for labels, value in left.items() if (_key(labels, on) in others) is (sign == "and")
        }
    found: Vector = {}
    for labels, value in left.items():
        if (key := _key(labels, on)) in others:
            found |= _each(sign, {labels: value}, lambda mine, key=key: (mine, others[key]))  # type: ignore[misc]
    return found


def _each(sign: str, vector: Vector, sides: Callable[[float], tuple[float, float]]) -> Vector:
    """Compare, which leaves what holds as it is, or calculate, which leaves the name out."""
    if sign in _COMPARISONS:
        return {labels: value for labels, value in vector.items() if _COMPARISONS[sign](*sides(value))}
    return {_without_name(labels): _ARITHMETIC[sign](*sides(value)) for labels, value in vector.items()}
