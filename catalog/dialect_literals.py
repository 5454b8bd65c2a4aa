"""What a function of a steward's own SQL takes, for arguments that are written out: `left(a, 'x')` would load and fail in the engine.

Only literals are looked at: what a column holds is the contract's to say. Counts of characters must be literals.
"""

from __future__ import annotations

from sqlglot import exp

from catalog.dialect_tree import ExpressionError

TEXT, DATE, FLAG, WHOLE, NUMBER = "text", "a date", "true or false", "a whole number from 0 on", "a number"
SUMMED = "a number or a date"
SPARKS = 2**31          # Spark counts characters in 32 bits
_FITS = {TEXT: {TEXT}, DATE: {DATE}, WHOLE: {WHOLE}, NUMBER: {NUMBER, WHOLE}, SUMMED: {NUMBER, WHOLE, DATE}}
_TAKES: dict[type[exp.Expr], dict[str, str]] = {
    exp.Left: {"this": TEXT, "expression": WHOLE}, exp.Right: {"this": TEXT, "expression": WHOLE},
    exp.Substring: {"this": TEXT, "start": WHOLE, "length": WHOLE},
    **{kind: {"this": TEXT} for kind in (exp.Length, exp.Lower, exp.Upper, exp.Trim)},
    **{kind: {"this": TEXT, "expression": TEXT}
       for kind in (exp.Contains, exp.StartsWith, exp.EndsWith, exp.RegexpLike, exp.RegexpFullMatch, exp.Like)},
    **{kind: {"this": DATE} for kind in (exp.Year, exp.Month, exp.Day)},
    exp.Add: {"this": SUMMED, "expression": SUMMED}, exp.Sub: {"this": SUMMED, "expression": SUMMED},
    **{kind: {"this": NUMBER, "expression": NUMBER} for kind in (exp.Mul, exp.Div, exp.Mod)},
    **{kind: {"this": NUMBER} for kind in (exp.Abs, exp.Neg, exp.Sum, exp.Avg)},
}


def check_literals(tree: exp.Expr) -> None:
    """Raises ExpressionError, which names the function and the kinds and quotes nothing, where a literal is of the wrong kind."""
    for node in tree.walk():
        for name, wanted in _TAKES.get(type(node), {}).items():
            argument = node.args.get(name)
            given = _kind(argument)
            if given is None and argument is not None and wanted == WHOLE:      # below 0 the engines differ
                raise ExpressionError(f"{type(node).__name__} counts by what is not written out.", remedy=f"Write {WHOLE}.")
            if given and given not in _FITS[wanted]:
                raise ExpressionError(f"{type(node).__name__} is given {NUMBER if given == WHOLE else given} where it needs {wanted}.",
                                      remedy="Write that argument as docs/expressions.md says.")


def _kind(tree: object) -> str | None:
    """Of a literal; None for all else, and for NULL, which is of every kind."""
    bare = tree.unnest() if isinstance(tree, exp.Paren) else tree
    if isinstance(bare, exp.Neg):
        return NUMBER if _kind(bare.this) in _FITS[NUMBER] else None
    if isinstance(bare, exp.Cast):
        return DATE if isinstance(bare.this, exp.Literal) and bare.is_type("date") else None
    if isinstance(bare, exp.Boolean):
        return FLAG
    if not isinstance(bare, exp.Literal):
        return None
    return TEXT if bare.is_string else WHOLE if str(bare.this).isdigit() and int(bare.this) < SPARKS else NUMBER
