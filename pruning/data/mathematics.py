"""Worked problems of arithmetic and algebra, step by step: a text that is generated, the same each time."""

import random
from collections.abc import Callable
from fractions import Fraction
from math import gcd

_PROBLEMS = 240
"""How many of each kind are drawn; equal ones are dropped."""

_SEED = 0


def problems() -> list[str]:
    """Return different worked problems, of all kinds in turn."""
    draw = random.Random(_SEED)  # noqa: S311 - a reproducible text
    drawn = (kind(draw) for _ in range(_PROBLEMS) for kind in _KINDS)
    return list(dict.fromkeys(drawn))


def _addition(draw: random.Random) -> str:
    one, other = draw.randint(1_000, 99_999), draw.randint(1_000, 99_999)
    steps, carry, left, right = [], 0, one, other
    while left or right:
        digits, before = (left % 10, right % 10), carry
        carry, digit = divmod(sum(digits) + before, 10)
        carried = f" + {before} carried" if before else ""
        steps.append(f"{digits[0]} + {digits[1]}{carried} = {sum(digits) + before}, write {digit}")
        left, right = left // 10, right // 10
    return (
        f"Add {one} and {other} digit by digit, from the right. {'; '.join(steps)}. The sum is {one + other}."
    )


def _multiplication(draw: random.Random) -> str:
    one, other = draw.randint(12, 999), draw.randint(12, 99)
    tens, ones = other // 10 * 10, other % 10
    return (
        f"What is {one} times {other}? Split {other} into {tens} and {ones}. First {one} · {tens} is "
        f"{one * tens}, then {one} · {ones} is {one * ones}. Together that is "
        f"{one * tens} + {one * ones} = {one * other}."
    )


def _division(draw: random.Random) -> str:
    divisor, quotient, rest = draw.randint(3, 19), draw.randint(50, 9_999), draw.randint(0, 2)
    number, steps, remainder = divisor * quotient + rest, [], 0
    for digit in str(number):
        current = 10 * remainder + int(digit)
        times, remainder = divmod(current, divisor)
        steps.append(f"{divisor} goes into {current} {times} times, remainder {remainder}")
    return f"Divide {number} by {divisor}: {'; '.join(steps)}. So {number} = {divisor} · {quotient} + {rest}."


def _linear(draw: random.Random) -> str:
    factor, shift, x = draw.randint(2, 15), draw.randint(-40, 40), draw.randint(-25, 25)
    right = factor * x + shift
    side = f"{factor}x {shift:+d}".replace("-", "- ").replace("+", "+ ")
    undone = f"subtract {shift}" if shift >= 0 else f"add {-shift}"
    return (
        f"Solve {side} = {right} for x. On both sides, {undone}: {factor}x = {right - shift}. Divide by "
        f"{factor}: x = {x}. Check: {factor} · ({x}) = {factor * x}, and the left side is {right} again."
    )


def _fractions(draw: random.Random) -> str:
    one = Fraction(draw.randint(1, 11), draw.randint(2, 12))
    other = Fraction(draw.randint(1, 11), draw.randint(2, 12))
    common = one.denominator * other.denominator // gcd(one.denominator, other.denominator)
    tops = [part.numerator * (common // part.denominator) for part in (one, other)]
    return (
        f"To compute {one} + {other}, bring both to the denominator {common}: {tops[0]}/{common} and "
        f"{tops[1]}/{common}. The numerators add up to {sum(tops)}, so the sum is {sum(tops)}/{common}, in "
        f"lowest terms {one + other}."
    )


def _euclid(draw: random.Random) -> str:
    common = draw.randint(2, 30)
    one, other = (common * draw.randint(7, 60) for _ in range(2))
    steps, left, right = [], max(one, other), min(one, other)
    while right:
        steps.append(f"{left} = {left // right} · {right} + {left % right}")
        left, right = right, left % right
    return (
        f"Find the greatest common divisor of {one} and {other} by Euclid's algorithm. {'; '.join(steps)}. "
        f"The last divisor is {left}, and gcd({one}, {other}) = {left}."
    )


def _quadratic(draw: random.Random) -> str:
    one, other = draw.randint(1, 14), draw.randint(1, 14)
    return (
        f"Factor x² - {one + other}x + {one * other}. We need two numbers with the sum {one + other} and the "
        f"product {one * other}: {one} and {other}. Hence it is (x - {one})(x - {other}), which is zero for "
        f"x = {one} and x = {other}. The vertex lies halfway between, at x = {Fraction(one + other, 2)}."
    )


def _system(draw: random.Random) -> str:
    x, y, factor = draw.randint(-12, 12), draw.randint(-12, 12), draw.randint(2, 7)
    total, mixed = x + y, factor * x - y
    return (
        f"Solve the system x + y = {total}, {factor}x - y = {mixed}. Adding both equations removes y: "
        f"{factor + 1}x = {total + mixed}, so x = {x}. From the first, y = {total} - ({x}) = {y}."
    )


def _percent(draw: random.Random) -> str:
    price, percent = 20 * draw.randint(2, 120), 5 * draw.randint(1, 12)
    off = Fraction(price * percent, 100)
    return (
        f"A coat costs {price} dollars and is reduced by {percent}%. One percent of {price} is "
        f"{price / 100:.2f}, and {percent} times that is {float(off):.2f}. The new price is "
        f"{price} - {float(off):.2f} = {float(price - off):.2f} dollars."
    )


def _series(draw: random.Random) -> str:
    first, step, count = draw.randint(1, 30), draw.randint(2, 12), draw.randint(6, 40)
    last = first + step * (count - 1)
    return (
        f"The sequence {first}, {first + step}, {first + 2 * step}, … has {count} terms. The last one is "
        f"{first} + {count - 1} · {step} = {last}. Pairing the first with the last, the sum is "
        f"{count} · ({first} + {last}) / 2 = {count * (first + last) // 2}."
    )


def _derivative(draw: random.Random) -> str:
    a, b, c, x = (draw.randint(2, 9) for _ in range(4))
    return (
        f"Let f(x) = {a}x³ + {b}x² + {c}x. By the power rule, f'(x) = {3 * a}x² + {2 * b}x + {c}. At x = {x} "
        f"the slope is {3 * a} · {x * x} + {2 * b} · {x} + {c} = {3 * a * x * x + 2 * b * x + c}."
    )


_KINDS: tuple[Callable[[random.Random], str], ...] = (
    *(_addition, _multiplication, _division, _linear, _fractions, _euclid, _quadratic, _system),
    *(_percent, _series, _derivative),
)
