# Every target does its own set-up: a machine needs Python 3.11, make and a C compiler; browser tests need Chromium.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
WORKERS ?= 2
# Half a gigabyte that the embedded engine does not need.
SPARK := pyspark|delta-spark|py4j
JARS := pipelines/engines/spark
COPY := org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo axe portal portal-parts spark-parts test check ui bench bench-many bench-privacy bench-portal bench-engines bench-torture soak lint-contracts lock clean

help:            ## What there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	  || { echo "citylake needs Python 3.11; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv from requirements.lock (some minutes the first time) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@awk '/^[a-z0-9]/ { skip = /^($(SPARK))==/ } !skip' requirements.lock > .venv/embedded.lock
	@$(BIN)/python -m pip install -q --require-hashes --no-deps -r .venv/embedded.lock
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)   ## The main job on the demo city, from nothing: sources, gates, releases, site
	@$(BIN)/citylake demo

portal: $(READY) portal-parts  ## A whole CKAN on this machine, on loopback: PostgreSQL, Redis, Solr, CKAN
	@$(BIN)/citylake portal up

portal-parts: .tools/ckan/.ready .tools/solr/.ready  ## What the portal is made of: CKAN in an environment of its own, Solr's jars

.tools/ckan/.ready: portal/requirements.lock portal/ckanext-citylake/pyproject.toml
	@echo "Setting up CKAN in .tools/ckan from portal/requirements.lock …"
	@test -x .tools/ckan/bin/python || $(PYTHON) -m venv .tools/ckan
	@.tools/ckan/bin/python -m pip install -q --require-hashes --no-deps -r portal/requirements.lock
	@.tools/ckan/bin/python -m pip install -q --no-deps --no-build-isolation -e portal/ckanext-citylake
	@touch $@

.tools/solr/.ready: portal/solr/pom.xml portal/solr/jars.sha256
	@echo "Fetching Solr's jars into .tools/solr …"
	@$(PYTHON) portal/local/jars.py fetch .tools/solr
	@touch $@

spark-parts: .venv/.spark .tools/spark/.ready  ## The cluster engine: pyspark and delta-spark into .venv, Delta's jars beside it

.venv/.spark: requirements.lock $(READY)
	@echo "Adding pyspark and delta-spark to .venv from requirements.lock (half a gigabyte) …"
	@awk '/^[a-z0-9]/ { keep = /^($(SPARK))==/ } keep' requirements.lock > .venv/spark.lock
	@$(BIN)/python -m pip install -q --require-hashes --no-deps --no-build-isolation -r .venv/spark.lock
	@touch $@

.tools/spark/.ready: $(JARS)/pom.xml $(JARS)/jars.sha256
	@echo "Fetching Delta's jars into .tools/spark …"
	@rm -rf .tools/spark .tools/spark.new && mkdir -p .tools/spark.new
	@mvn -q -B -f $(JARS)/pom.xml $(COPY) -DexcludeTransitive=true -DoutputDirectory=$(CURDIR)/.tools/spark.new
	@cd .tools/spark.new && sha256sum --quiet --strict -c $(CURDIR)/$(JARS)/jars.sha256
	@mv .tools/spark.new .tools/spark && touch $@

axe: .tools/axe/axe.min.js  ## The accessibility check that the site's tests use, by npm

# Fetched as a whole package, known by the sha256 of the one file that is used.
.tools/axe/axe.min.js:
	@echo "Fetching axe-core into .tools/axe …"
	@rm -rf .tools/axe.new && mkdir -p .tools/axe .tools/axe.new
	@cd .tools/axe.new && npm pack --silent axe-core@4.10.3 >/dev/null && tar xzf axe-core-4.10.3.tgz
	@cd .tools/axe.new/package && echo "880970c081707360e64f34cea25ff91892f5bc95675b0776925b9709dd8a68bb  axe.min.js" | sha256sum --quiet --strict -c
	@mv .tools/axe.new/package/axe.min.js $@ && rm -rf .tools/axe.new

test: $(READY)   ## Everything that this machine can test, and which suites could not run and why
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not soak"

check: $(READY)  ## ruff, mypy, the import rule, the city's contracts
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy --strict portal/local      # flat modules, so apart; portal/inside runs where CKAN is
	@$(BIN)/lint-imports
	@$(BIN)/citylake check

ui: $(READY)     ## Dagster's pages over the demo lake, on loopback
	@$(BIN)/citylake ui

bench: $(READY)  ## Speed and memory as ratios to the same raw steps, in one run
	@$(BIN)/python -m tests.bench.whole_way
	@$(MAKE) --no-print-directory bench-many
	@$(MAKE) --no-print-directory bench-privacy
	@$(MAKE) --no-print-directory bench-portal
	@$(MAKE) --no-print-directory bench-torture

bench-many: $(READY)  ## Very many contracts, very many small files, and the command's start, each beside the plainest way
	@PYTHONPATH=tests:. $(BIN)/python -m bench.many
	@PYTHONPATH=tests:. $(BIN)/python -m bench.periods

bench-privacy: $(READY)  ## What the screens find and what they cost, with their bars; the shared corpora where they are
	@PYTHONPATH=tests $(BIN)/python -m bench.privacy

bench-portal: $(READY) portal-parts  ## The same of publishing to a CKAN, on a portal of its own
	@PYTHONPATH=tests $(BIN)/python -m bench.portal

bench-engines: $(READY) spark-parts  ## The same way on both engines beside each other; BENCH_SIZES=1000000,5000000,10000000
	@PYTHONPATH=tests $(BIN)/python -m bench.engines

bench-torture: $(READY)  ## How the readers do on the torture suites, by Pollock's measures; Python's csv proves the measures
	@PYTHONPATH=tests $(BIN)/python -m bench.torture

soak: $(READY)   ## What takes long: random kills
	@$(BIN)/python -m pytest -m soak tests

lint-contracts: .tools/datacontract/.ready  ## `datacontract lint` over every shipped contract
	@$(BIN)/python -m pytest tests/test_catalog_lint.py

.tools/pycanon/.ready: tests/tools/pycanon.txt
	@$(PYTHON) -m venv .tools/pycanon
	@.tools/pycanon/bin/python -m pip install -q -r tests/tools/pycanon.txt
	@touch $@

.tools/datacontract/.ready: tests/tools/datacontract.txt
	@$(PYTHON) -m venv .tools/datacontract
	@.tools/datacontract/bin/python -m pip install -q -r tests/tools/datacontract.txt
	@touch $@

lock:            ## Resolves anew what is locked: requirements.lock, portal/requirements.lock, portal/solr/jars.sha256
	@test -x .tools/uv/bin/uv || { $(PYTHON) -m venv .tools/uv && .tools/uv/bin/python -m pip install -q uv; }
	@.tools/uv/bin/uv pip compile -q pyproject.toml --extra dev --extra spark --extra sdc --extra dp --python-version 3.11 --universal \
	  --generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" -o requirements.lock
	@.tools/uv/bin/uv pip compile -q portal/requirements.in --override portal/overrides.txt --python-version 3.11 \
	  --generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" -o portal/requirements.lock
	@$(PYTHON) portal/local/jars.py lock

clean:           ## Removes the environments, the local portal and the demo's state
	@test ! -e .citylake/portal/state.json || $(PYTHON) portal/local/main.py reset --yes --root .citylake/portal
	rm -rf .venv .tools .citylake
