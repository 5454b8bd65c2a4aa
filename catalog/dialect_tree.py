"""The neutral tree: columns, literals, `CL_<NAME>` markers, and how a tree becomes one engine's SQL.

A marker is a function of ours that no engine knows. Each has one rendering per dialect, registered with `@rendering`
in the dialect_* modules. `render` refuses every function that is neither a marker nor on the allow-list, because sqlglot
passes unknown functions through and dozens of known ones differ silently between engines (notes/spark-lab §7).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from catalog.contract import ColumnType
from catalog.errors import DefinitionError

MARK = "CL_"
DIALECTS = ("duckdb", "spark")
NEW_HAN = r"\x{9ffd}-\x{9fff}\x{2a6de}-\x{2a6df}\x{2b735}-\x{2b739}\x{31350}-\x{323af}"       # what Java 17 lacks
JAVA_HAN = rf"[\p{{IsHan}}{NEW_HAN}]"
# Function nodes that both engines compute alike once transpiled (spark-lab §7, «same as transpiled»).
ALLOWED_FUNCTIONS = frozenset({
    "And", "Or", "Case", "If", "Cast", "TryCast", "Coalesce", "Nullif", "Count", "Sum", "Min", "Max", "RowNumber",
    "Rank", "DenseRank", "Lag", "Lead", "ArgMin", "ArgMax", "Abs", "Greatest", "Least", "Exists",
})
_STATEMENTS = (exp.Command, exp.DDL, exp.DML, exp.Set, exp.Pragma, exp.Copy, exp.Attach, exp.Detach, exp.Into,
               exp.Lambda, exp.Drop, exp.Use)


class ExpressionError(DefinitionError):
    """An expression, a query or a pattern that is outside the closed vocabulary."""


@dataclass(frozen=True)
class Renderer:
    """Writes SQL text for one dialect; renderings use it for arguments, text literals and regular expressions."""

    dialect: str

    @property
    def duck(self) -> bool:
        return self.dialect == "duckdb"

    def of(self, tree: exp.Expr) -> str:
        """SQL of an argument, in brackets where it needs them."""
        sql = self.sql(tree)
        return sql if isinstance(tree, exp.Column | exp.Literal | exp.Anonymous) else f"({sql})"

    def sql(self, tree: exp.Expr) -> str:
        """SQL of a whole tree, markers expanded."""
        expanded = (tree if self.duck else tree.transform(_wide)).transform(self._expand)
        return expanded.sql(dialect=self.dialect, unsupported_level=ErrorLevel.RAISE)

    def _expand(self, node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Anonymous) and str(node.this).startswith(MARK):
            return exp.Var(this=f"({_RENDERINGS[str(node.this)](self, list(node.expressions))})")
        return node

    def text(self, value: str) -> str:
        """A text literal."""
        return exp.Literal.string(value).sql(dialect=self.dialect)

    def words(self, values: Sequence[str]) -> str:
        return ", ".join(self.text(value) for value in values)

    def regex(self, pattern: str) -> str:
        """A pattern as a literal. Java calls the script otherwise, and Java 17 does not know its newest block, nor that these are letters."""
        java = pattern.replace(r"\p{Han}", JAVA_HAN).replace(r"[^\p{L}", rf"[^\p{{L}}{NEW_HAN}")
        return self.text(pattern if self.duck else java)

    def has(self, sql: str, pattern: str) -> str:
        """True where `pattern` matches somewhere in the text."""
        return f"{'regexp_matches' if self.duck else 'regexp_like'}({sql}, {self.regex(pattern)})"

    def full(self, sql: str, pattern: str) -> str:
        r"""True where `pattern` matches the whole text; `\A…\z`, because Spark's `$` also stops before a last newline."""
        if self.duck:
            return f"regexp_full_match({sql}, {self.regex(pattern)})"
        return self.has(sql, rf"\A(?:{pattern})\z")

    def replace(self, sql: str, pattern: str, by: str) -> str:
        r"""Every match replaced; groups in `by` are written `\1`."""
        if self.duck:
            return f"regexp_replace({sql}, {self.regex(pattern)}, {self.text(by)}, 'g')"
        return f"regexp_replace({sql}, {self.regex(pattern)}, {self.text(by.replace(chr(92), '$'))})"

    def group(self, sql: str, pattern: str, number: int) -> str:
        return f"regexp_extract({sql}, {self.regex(pattern)}, {number})"


def _wide(node: exp.Expr) -> exp.Expr:
    """Spark sums whole numbers in 64 bits and fails beyond; times a decimal 1 they are decimals, and doubles stay doubles."""
    if not isinstance(node, exp.Sum) or node.meta.get("wide"):
        return node
    node.meta["wide"] = True
    for value in node.this.expressions if isinstance(node.this, exp.Distinct) else [node.this]:
        one = exp.Cast(this=exp.Literal.number(1), to=exp.DataType.build("DECIMAL(1, 0)"))
        value.replace(exp.Mul(this=exp.Paren(this=value.copy()), expression=one))
    return node


Rendering = Callable[[Renderer, list[exp.Expr]], str]
_RENDERINGS: dict[str, Rendering] = {}


def rendering(name: str) -> Callable[[Rendering], Rendering]:
    """Registers how the marker `CL_<name>` is written."""
    def register(function: Rendering) -> Rendering:
        _RENDERINGS[MARK + name] = function
        return function
    return register


def mark(name: str, *arguments: exp.Expr | str | int) -> exp.Anonymous:
    """The marker `CL_<name>`; plain text and whole numbers become literals."""
    trees = [argument.copy() if isinstance(argument, exp.Expr) else lit(argument) for argument in arguments]
    return exp.Anonymous(this=MARK + name, expressions=trees)


def string(tree: exp.Expr) -> str:
    """The text of a literal argument."""
    return str(tree.this)


def number(tree: exp.Expr) -> int:
    """The whole number of a literal argument."""
    return int(tree.sql())


def col(name: str, table: str | None = None) -> exp.Column:
    """A column, always quoted."""
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(table, quoted=True) if table else None)


def lit(value: str | int | float | Decimal | date | bool | None) -> exp.Expr:
    """A literal. Decimals (and floats, by their shortest form) are exact; a datetime must have a zone.

    Raises ExpressionError for NUL characters, NaN and infinities, which no engine can be handed safely as text.
    """
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        if "\x00" in value:
            raise ExpressionError("A text holds a NUL character.", remedy="Remove it.")
        return exp.Literal.string(value)
    if isinstance(value, int):
        return exp.Literal.number(value)
    if isinstance(value, float | Decimal):
        return _decimal(value if isinstance(value, Decimal) else Decimal(repr(value)))
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ExpressionError("A time has no zone.", remedy="Give it one.")
        text = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
        return exp.Cast(this=exp.Literal.string(text), to=exp.DataType.build("TIMESTAMPTZ"))
    return exp.Cast(this=exp.Literal.string(value.isoformat()), to=exp.DataType.build("DATE"))


def _decimal(value: Decimal) -> exp.Expr:
    if not value.is_finite():
        raise ExpressionError("A number is not finite.", remedy="Write a finite number.")
    text = f"{value:f}"
    whole, _, fraction = text.lstrip("-").partition(".")
    precision = max(len(whole.lstrip("0")), 1) + len(fraction)
    if precision > 38:
        raise ExpressionError("A number has more than 38 digits.", remedy="Write a shorter number.")
    kind = exp.DataType.build(f"DECIMAL({precision}, {len(fraction)})")
    return exp.Cast(this=exp.Literal.string(text), to=kind)


def data_type(kind: ColumnType) -> exp.DataType:
    """The engine type behind a contract type; timestamps are instants, stored as UTC."""
    names = {"text": "TEXT", "bigint": "BIGINT", "double": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
             "timestamp": "TIMESTAMPTZ", "decimal": f"DECIMAL({kind.precision}, {kind.scale})"}
    return exp.DataType.build(names[kind.kind])


def cast_to(e: exp.Expr, kind: ColumnType) -> exp.Expr:
    """`e` as exactly the contract type. For values that are already of that nature: text is typed by `to_*` instead."""
    return exp.Cast(this=e.copy(), to=data_type(kind))


def check_tree(tree: exp.Expr, functions: frozenset[str] = ALLOWED_FUNCTIONS) -> None:
    """Raises ExpressionError for a function outside the vocabulary, or anything that is no reading expression."""
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            if str(node.this) not in _RENDERINGS:
                raise ExpressionError("An expression calls a function that is not in the vocabulary.",
                                      remedy="Use the functions that docs/expressions.md lists.")
        elif isinstance(node, _STATEMENTS) or (isinstance(node, exp.Func) and type(node).__name__ not in functions):
            raise ExpressionError(f"An expression uses {type(node).__name__}, which the engines compute differently.",
                                  remedy="Use the functions that docs/expressions.md lists.")


def render(tree: exp.Expr, dialect: str = "duckdb") -> str:
    """The tree as SQL of `dialect` (`duckdb` or `spark`).

    Raises ExpressionError for functions outside the vocabulary and for what the dialect cannot say.
    """
    if dialect not in DIALECTS:
        raise ExpressionError(f"There is no dialect {dialect}.", remedy=f"Use one of {', '.join(DIALECTS)}.")
    check_tree(tree)
    try:
        return Renderer(dialect).sql(tree)
    except UnsupportedError:
        raise ExpressionError("An expression cannot be written for this engine.",
                              remedy="Use the functions that docs/expressions.md lists.") from None
