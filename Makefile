# make demo: the whole press on a sample journal.   make test: everything that proves it.   make install: .venv alone.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: install demo test judges test-wordpress lint messages gallery bench lock clean

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip --quiet --disable-pip-version-check install --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/publisher demo

test: $(STAMP) lint
	$(BIN)/pytest

# What judges mail and feeds beside Python: the packages of npm; Java, SpamAssassin, OpenDKIM and newsboat are the
# system's.
judges: tests/judges/node_modules/.package-lock.json

tests/judges/node_modules/.package-lock.json: tests/judges/package-lock.json
	npm --prefix tests/judges ci --ignore-scripts --no-audit --no-fund
	touch $@

# Against a real WordPress: Debian's wordpress, php-cli, php-mysql, php-xml and a MariaDB that lets root in.
test-wordpress: $(STAMP)
	$(BIN)/pytest tests/wordpress

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Takes the texts of the templates into templates/locale/*.po; what is new there waits for its translation.
messages: $(STAMP)
	$(BIN)/pybabel --quiet extract --mapping pyproject.toml --no-location --sort-output --output .venv/messages.pot \
		templates feeds
	for file in templates/locale/*.po; do \
		$(BIN)/pybabel --quiet update --input-file .venv/messages.pot --output-file $$file \
			--locale $$(basename $$file .po) --no-wrap --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date || exit 1; \
	done

# The pictures of the manual; needs Chromium and Noto fonts with Arabic, Nastaliq and CJK.
gallery: $(STAMP)
	$(BIN)/python -m tests.gallery

bench: $(STAMP)
	$(BIN)/python -m benchmarks.press
	$(BIN)/python -m benchmarks.copies
	$(BIN)/python -m benchmarks.sign
	$(BIN)/python -m benchmarks.send
	$(BIN)/python -m benchmarks.gather
	$(BIN)/python -m benchmarks.syndicate
	$(BIN)/python -m benchmarks.serve

# Needs uv; writes names, versions and hashes, no addresses.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra postgres --extra pages --group dev \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --quiet --output-file requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
