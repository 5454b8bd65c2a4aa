"""Checks of contracts against each other and against the city: names that must exist, treatments that must fit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from sqlglot import exp

from catalog import dialect as d
from catalog import measures
from catalog.addressing import check_parts, loose, stands_for_a_door
from catalog.city import City
from catalog.contract import LEVELS, Column, Contract
from catalog.derivation import reads
from catalog.extension import Band, Cap, Drop, Generalise, Keep, Mask, Product, Redact, Round, Shift, Token, Treatment
from catalog.masking import cut, shows
from catalog.measures import of_persons
from catalog.naming import contract_path
from catalog.odcs import listed, ours
from catalog.rule_reader import places, rule_id
from catalog.yamlread import Document, Path_

NUMBERS = ("bigint", "decimal", "double")


class _Checker:
    """One contract with its document; `say` adds a problem at a path below the citylake property or in the schema."""

    def __init__(self, city: City, contract: Contract, document: Document) -> None:
        self.city, self.contract, self.document = city, contract, document
        self.at = ours(document, document.data, ())[1]
        self.columns = {column.name: column for column in contract.columns}

    def say(self, where: Path_, code: str, what: str, remedy: str) -> None:
        self.document.problem(self.inside(where), code, what, remedy)

    def inside(self, where: Path_) -> Path_:
        """A path below the citylake property."""
        return (*self.at, *where)

    def of(self, name: str) -> Path_:
        """The path of a column."""
        return ("schema", 0, "properties", [column.name for column in self.contract.columns].index(name))

    def of_column(self, name: str, code: str, what: str, remedy: str) -> None:
        self.document.problem(self.of(name), code, f"{name}: {what}", remedy)

    def expression(self, where: Path_, code: str, run: Callable[[], object]) -> bool:
        """Whether an expression is right; what is wrong with it is added at a path of the file."""
        try:
            run()
        except d.ExpressionError as error:
            self.document.problem(where, code, error.message, error.remedy or "")
            return False
        return True


def cross_check(city: City, documents: Mapping[str, Document]) -> None:
    """Adds to the documents (by file) everything that can only be seen with the whole city in view."""
    for contract in city.contracts.values():
        checker = _Checker(city, contract, documents[contract.source_file])
        _people(checker)
        _origin(checker)
        _inputs(checker, documents)
        _columns(checker)
        _rules(checker)
        check_parts(contract, checker.of_column)
        _shape(checker)
        for number, product in enumerate(contract.products):
            _product(checker, number, product)
    _cycles(city, documents)


def _people(c: _Checker) -> None:
    if c.contract.department not in c.city.departments:
        c.say(("department",), "cross.department", "The department is not in city.yaml.", "Add it there, or mend the name.")
    if c.contract.fields.author not in c.city.people:
        c.say(("author",), "cross.author", "The author is not in people.yaml.", "Add the person, or mend the id.")


def _origin(c: _Checker) -> None:
    fields = c.contract.fields
    if bool(fields.sources) == bool(fields.inputs):
        c.say((), "cross.origin", "A dataset needs either sources or inputs.", "Keep one of them.")
    if bool(fields.inputs) != bool(fields.query):
        c.say((), "cross.query", "inputs and query go together.", "Add what is missing.")
    ids = [source.id for source in c.contract.sources]
    for number, source in enumerate(c.contract.sources):
        system = c.city.systems.get(source.system)
        if system is None or system.department != c.contract.department:
            c.say(("sources", number, "system"), "cross.system", "The system is not one of this department's.", "See systems in city.yaml.")
        if ids.count(source.id) > 1 or source.id == "corrections":
            c.say(("sources", number), "cross.source", f"The source id {source.id} is taken.", "Give it another id.")
        known = {header for column in c.contract.columns for header in column.headers} | set(source.aliases)
        for header in source.leave_out:
            if header in known:
                c.say(("sources", number, "leave_out"), "cross.leave_out", "A declared column stands under leave_out.", "Take it out of one.")
        for target in source.aliases.values():
            if target not in [column.name for column in c.contract.given]:
                c.say(("sources", number, "aliases"), "cross.alias", f"There is no column {target}.", "Mend the name.")


def _inputs(c: _Checker, files: Collection[str]) -> None:
    """Inputs and their query. A dataset whose own file is wrong is told there, and not called missing here."""
    views: dict[str, Contract] = {}
    for number, item in enumerate(c.contract.inputs):
        if item.dataset in c.city.contracts:
            if item.name in views:
                c.say(("inputs", number), "cross.input", f"Two inputs are called {item.name}.", "Rename one.")
            views[item.name] = c.city.contracts[item.dataset]
        elif contract_path(item.dataset) not in files:
            c.say(("inputs", number), "cross.input", f"There is no dataset {item.dataset}.", "Mend the name.")
    query = c.contract.fields.query
    if query and views and len(views) == len(c.contract.inputs):
        names = {name: [column.name for column in contract.columns] for name, contract in views.items()}
        if c.expression(c.inside(("query",)), "cross.query_sql", partial(_selects, c, query, names)):
            _levels(c, query, views)


def _selects(c: _Checker, query: str, views: Mapping[str, list[str]]) -> None:
    if sorted(d.parse_query(query, views).named_selects) != sorted(column.name for column in c.contract.given):
        raise d.ExpressionError("The query does not select exactly the declared columns.", remedy="Name each by its alias.")


def _levels(c: _Checker, query: str, views: Mapping[str, Contract]) -> None:
    """A derived column inherits the highest level of what it is computed from."""
    found = reads(query, {name: [column.name for column in contract.columns] for name, contract in views.items()})
    for column in c.contract.given:
        levels = {views[view].column(name).level for view, name in found[column.name]}
        highest = max(levels, key=LEVELS.index, default="L1")
        if LEVELS.index(column.level) < LEVELS.index(highest):
            c.of_column(column.name, "cross.derived_level", f"the level is below {highest}, the highest of the columns it is computed from.",
                        f"Write `classification: {highest}`, or compute it from other columns.")
        doors = [name for view, name in found[column.name] if stands_for_a_door(views[view].column(name))]
        if doors and column.level != "L1" and column.more.identifies != "address":
            c.of_column(column.name, "cross.derived_address", "it is computed from what stands for a door.", "Write `identifies: address`.")


def _columns(c: _Checker) -> None:
    for column in c.contract.columns:
        more = column.more
        if more.codes and more.codes not in c.city.codes:
            c.of_column(column.name, "cross.codes", f"there is no code list {more.codes}.", "Add codes/<id>.csv, or mend the name.")
        if more.codes_at and (more.codes_at not in c.columns or c.columns[more.codes_at].type.kind != "date"):
            c.of_column(column.name, "cross.codes_at", "codes_at must name a date column.", "Mend the name.")
        if (more.person or (more.identifies and column.level != "L1")) and not c.contract.fields.collection_rule and not c.contract.derived:
            c.of_column(column.name, "cross.collection_rule", "personal data need a collection rule.", "Name it as collection_rule.")
        if "pattern" in column.options:
            c.expression(c.of(column.name), "cross.pattern", partial(d.check_pattern, column.options["pattern"]))


def _rules(c: _Checker) -> None:
    for rule in c.contract.rules:
        bad, query = rule.bad, rule.query
        where = _place_of(c, rule.id)
        if bad is not None:
            c.expression(where, "cross.rule_sql", partial(d.parse_condition, bad, c.columns))
        if query is not None:
            c.expression(where, "cross.rule_sql", partial(_one, query, list(c.columns)))
        if "pattern" in rule.arguments:
            c.expression(where, "cross.pattern", partial(d.check_pattern, rule.arguments["pattern"]))
        named = rule.arguments.get("properties") or [rule.arguments.get("column")]
        if any(name is not None and name not in list(c.columns) for name in named):
            c.document.problem(where, "cross.rule_column", "The rule is about a column that is not there.", "Mend the name.")
        kind = c.columns[rule.column].type.kind if rule.column in c.columns else None
        fits: Any = str if kind == "text" else int | float if kind in NUMBERS else ()
        if any(not isinstance(value, fits) for value in rule.arguments.get("validValues", ())):
            c.document.problem(where, "cross.rule_values", f"The valid values are not all of the column's type, {kind}.",
                               "Write texts in quotes and numbers without; other types take a sql rule.")


def _one(query: str, columns: list[str]) -> None:
    if len(d.parse_query(query, {"silver": columns}).selects) != 1:
        raise d.ExpressionError("A rule's query does not select exactly one number.", remedy="Select one, such as max(x) - min(x) AS spread.")


def _place_of(c: _Checker, rule: str) -> Path_:
    """Where a rule stands in the file."""
    for column, holder, path in places(c.document.data["schema"][0], ("schema", 0)):
        for number, entry in enumerate(listed(holder, "quality")):
            if isinstance(entry, dict) and rule_id(entry, column, (*path, "quality", number)) == rule:
                return (*path, "quality", number)
    return ("schema", 0)


def _shape(c: _Checker) -> None:
    fields = c.contract.fields
    if fields.merge in ("upsert", "snapshot") and not c.contract.keys:
        c.say(("merge",), "cross.key", f"Merge mode {fields.merge} needs a key.", "Mark columns with primaryKey.")
    if fields.newest_by and fields.newest_by not in c.columns:
        c.say(("newest_by",), "cross.newest_by", "newest_by is not a column.", "Mend the name.")
    if fields.period:
        column = c.columns.get(fields.period.column)
        if column is None or column.type.kind not in ("date", "timestamp"):
            c.say(("period",), "cross.period", "The period's column is not a date or timestamp column.", "Mend the name.")


def _product(c: _Checker, number: int, product: Product) -> None:
    where: Path_ = ("products", number)
    if [other.name for other in c.contract.products].count(product.name) > 1:
        c.say(where, "product.twice", f"Two products are called {product.name}.", "Rename one.")
    if product.purpose not in c.contract.fields.purposes:
        c.say((*where, "purpose"), "product.purpose", "The purpose is not among the dataset's purposes.", "Add it there, or use another.")
    for name, how in product.columns.items():
        column = c.columns.get(name)
        if column is None:
            c.say((*where, "columns", name), "product.column", f"There is no column {name}.", "Mend the name.")
        else:
            _treatment(c, (*where, "columns", name), column, how)
            if isinstance(how, Token) and product.tier == "unconditional":
                c.say((*where, "columns", name), "product.token", "A token leaves unconditionally; it is a pseudonym, not anonymous.",
                      "Drop the column, or make the product restricted.")
    leaving = [name for name, how in product.columns.items() if isinstance(how, Keep | Generalise | Round | Band | Cap) and name in c.columns]
    if product.filter is not None:
        c.expression(c.inside((*where, "filter")), "product.filter", partial(d.parse_condition, product.filter, leaving))
    if product.aggregate is not None:
        _aggregate(c, where, product, leaving)
    if all(isinstance(how, Drop) for how in product.columns.values()):
        c.say((*where, "columns"), "product.empty", "The product publishes no column.", "Keep or treat at least one.")


def _aggregate(c: _Checker, where: Path_, product: Product, leaving: list[str]) -> None:
    aggregate = product.aggregate
    if aggregate is None:
        return
    for name in aggregate.by:
        if name not in leaving:
            c.say((*where, "aggregate", "by"), "product.aggregate", f"{name} does not leave.", "Keep or generalise it under columns.")
        if name in aggregate.measures or aggregate.by.count(name) > 1:
            c.say((*where, "aggregate"), "product.aggregate", f"{name} would stand in the product twice.", "Rename the measure.")
    for name, sql in aggregate.measures.items():
        at = (*where, "aggregate", "measures", name)
        if c.expression(c.inside(at), "product.measure", partial(d.parse_measure, sql, c.columns)) and of_persons(c.contract):
            _of_group(c, at, product, d.parse_measure(sql, c.columns))


def _of_group(c: _Checker, where: Path_, product: Product, measure: exp.Expr) -> None:
    """A measure in a dataset about persons speaks of whole groups: else its figure is one person's, however large the group."""
    by = product.aggregate.by if product.aggregate else []
    same = [name for name in by if isinstance(product.columns.get(name), Keep)]
    whole = [*same, *[column.name for column in c.contract.columns if column.required]]
    shown = [node.name for node in measure.find_all(exp.Column) if node.name not in same]
    if measures.reveals(measure) and shown:
        c.say(where, "product.reveals", "The measure shows one person's value: the dataset is about persons.",
              "Count, sum or average instead, or publish a banded column as a group.")
    elif measures.partial(measure, whole):
        c.say(where, "product.partial", "The measure speaks of some rows of a group only, in a dataset about persons: of one person, perhaps.",
              "Measure `*` or a required column as it is, and make the condition a column of `by`.")


def _coarser(c: _Checker, column: Column, how: Treatment) -> bool:
    """Whether a treatment that lowers the level can hide anything at all."""
    match how:
        case Mask(left=left, right=right):
            return shows(left, right, column.more.identifies)
        case Round(step=step):
            return column.type.kind == "double" or step > 10.0 ** -column.type.scale
        case Generalise(prefix=int(prefix)) if column.more.codes in c.city.codes:
            return any(len(code) > prefix for code in c.city.codes[str(column.more.codes)].codes)
        case Generalise(prefix=int(prefix)):
            return cut(prefix, column.more.identifies) is not None
        case Generalise(to="day"):
            return column.type.kind == "timestamp"
        case Generalise(parent=True) if column.more.codes in c.city.codes:
            return all(row.get("parent") != row["code"] for row in c.city.codes[str(column.more.codes)].rows)
    return True


def _treatment(c: _Checker, where: Path_, column: Column, how: Treatment) -> None:
    kind, fits, remedy = column.type.kind, True, ""
    if isinstance(how, Mask | Token | Redact):
        fits, remedy = kind == "text", "Mask, token and redact are for text; round or band a number, drop the others."
    elif isinstance(how, Band):
        fits, remedy = kind in (*NUMBERS, "date", "timestamp"), "Band is for numbers and for the years of dates."
    elif isinstance(how, Cap):
        fits, remedy = kind in NUMBERS and _bounds(column, how), "Cap is for numbers: give bottom, top or both, as values of the column."
    elif isinstance(how, Shift):
        fits, remedy = kind == "date" and _subject(c, how), "Shift is for dates, by a text or whole-number column that is a key or names the subject."
    elif isinstance(how, Round):
        fits, remedy = kind in NUMBERS, "Round is for numbers."
    elif isinstance(how, Generalise):
        ways = [how.prefix is not None and kind == "text", how.to is not None and kind in ("date", "timestamp"),
                how.parent and column.more.codes is not None, how.address is not None and kind == "text" and column.more.codes is None]
        asked = [how.prefix is not None, how.to is not None, how.parent, how.address is not None]
        fits, remedy = sum(asked) == 1 and any(ways), "Generalise text by prefix, dates by to, coded columns by parent, addresses by address."
    if not fits:
        c.say(where, "product.treatment", f"{how.do} does not fit {column.name}, which is {column.type}.", remedy)
    elif isinstance(how, Mask) and not _coarser(c, column, how):
        c.say(where, "product.mask", f"The mask would show nearly all of {column.name}, so that every value would be masked whole.",
              "Show fewer characters, at most two thirds, or drop the column.")
    elif not _coarser(c, column, how):
        c.say(where, "product.coarse", f"{how.do} leaves {column.name} as fine as it is.", "Make it coarser, or drop the column.")
    _leaves(c, where, column, how)


def _leaves(c: _Checker, where: Path_, column: Column, how: Treatment) -> None:
    """What would still tell whom or which door a row is about."""
    if loose(column, how, c.contract.derived):
        c.say(where, "product.door", f"{column.name} stands for a door, and {how.do} would leave it readable.",
              "Drop or tokenise it, or cut it off: a code by prefix, at most 12, a standard address by address.")
    elif isinstance(how, Keep) and column.more.identifies and column.level != "L1":
        c.say(where, "product.identifier", f"{column.name} identifies someone and is kept.", "Treat or drop it.")


def _bounds(column: Column, how: Cap) -> bool:
    """Whether a cap has a bound, in order, that the column's type can hold: a bound that is rounded would be another one."""
    bounds = [bound for bound in (how.bottom, how.top) if bound is not None]
    scale = column.type.scale if column.type.kind == "decimal" else 0
    exact = column.type.kind == "double" or all(round(bound, scale) == bound for bound in bounds)
    return bool(bounds) and bounds == sorted(bounds) and exact


def _subject(c: _Checker, how: Shift) -> bool:
    """Whether a shift's column tells subjects apart: by a district, say, one known date would tell everybody's."""
    by = c.columns.get(how.by)
    return by is not None and by.type.kind in ("text", "bigint") and bool(by.more.subject or by.more.identifies or by.name in c.contract.keys)


def _cycles(city: City, documents: Mapping[str, Document]) -> None:
    def reaches(start: str, at: str, seen: frozenset[str]) -> bool:
        inputs = [item.dataset for item in city.contracts[at].inputs if item.dataset in city.contracts]
        return start in inputs or any(reaches(start, item, seen | {item}) for item in inputs if item not in seen)

    for name in city.contracts:
        if reaches(name, name, frozenset()):
            document = documents[city.contracts[name].source_file]
            at = ours(document, document.data, ())[1]
            document.problem((*at, "inputs"), "cross.cycle", "The dataset is derived from itself.", "Break the circle of inputs.")
