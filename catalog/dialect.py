"""The closed vocabulary of expressions: every expression that citylake computes is built from these functions.

Builders return neutral trees (markers `CL_<NAME>` for what engines compute differently); `render` writes them for one
engine. A steward's own SQL enters only through `parse_condition`, `parse_query` and `parse_measure`.
"""

from catalog.dialect_parse import parse_condition, parse_measure, parse_query
from catalog.dialect_pattern import check_pattern, contains_pattern, matches, portable
from catalog.dialect_text import (
    SPACES,
    bare_text,
    collapse_space,
    contains_any,
    fold_width,
    in_list,
    joined_text,
    length,
    lower_ascii,
    mask,
    null_words,
    octets,
    prefix,
    strip_suffixes,
    strip_thousands,
    strip_zero_fraction,
    trim_text,
    upper_ascii,
    without_text,
)
from catalog.dialect_tree import ExpressionError, cast_to, check_tree, col, data_type, lit, render
from catalog.dialect_types import to_bigint, to_boolean, to_date, to_decimal, to_double, to_timestamp
from catalog.dialect_values import (
    as_text,
    band,
    cap,
    case,
    coalesce,
    concat_words,
    date_trunc_to,
    hmac_token,
    period_of,
    round_to,
    row_hash,
    shift_days,
)

__all__ = [
    "SPACES", "ExpressionError", "as_text", "band", "bare_text", "cap", "case", "cast_to", "check_pattern", "check_tree", "coalesce", "col",
    "collapse_space", "concat_words", "contains_any", "contains_pattern", "data_type", "date_trunc_to", "fold_width",
    "hmac_token", "in_list", "joined_text", "length", "lit", "lower_ascii", "mask", "matches", "null_words", "octets",
    "parse_condition", "parse_measure", "parse_query", "period_of", "portable", "prefix", "render", "round_to", "row_hash",
    "shift_days", "strip_suffixes", "strip_thousands", "strip_zero_fraction", "to_bigint", "to_boolean", "to_date", "to_decimal",
    "to_double", "to_timestamp", "trim_text", "upper_ascii", "without_text",
]
