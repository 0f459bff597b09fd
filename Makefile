# `make demo` and `make test` install what is missing, build and run. One build profile, release,
# serves both.

CARGO ?= cargo
PEERS ?= ../shared/peers
CLIENTS = $(or $(CARGO_TARGET_DIR),target)/clients/bin

.PHONY: help setup viewer build demo test test-clients test-pygeoapi pygeoapi-walk test-qgis qgis-plugin qgis-walk \
	schemathesis soak pictures fuzz lint miri bench bench-features bench-peers clean

help:
	@echo "make demo         simulate a county, train, map, assess, and say where to look"
	@echo "make viewer       the map library of the viewer, from npm (make build does it too)"
	@echo "make test         all tests in Rust"
	@echo "make test-clients the server by its clients: OWSLib, birdy, schemathesis (makes a Python environment)"
	@echo "make test-pygeoapi the package for pygeoapi, in the newest pygeoapi (makes a Python environment)"
	@echo "make pygeoapi-walk the pictures of plugin/README.md, from pygeoapi's pages in a headless Chromium"
	@echo "make test-qgis    the QGIS plugin in a real QGIS (installs QGIS where it is missing)"
	@echo "make qgis-plugin  the plugin as a zip that QGIS installs: target/rededge-qgis.zip"
	@echo "make qgis-walk    the pictures of docs/qgis.md, from a QGIS on a screen that nobody sees"
	@echo "make schemathesis more than 5,000 requests made from the OpenAPI document"
	@echo "make soak         ten minutes of mixed load with a kill -9 in the middle (MINUTES=n)"
	@echo "make pictures     the pictures of docs/pages.md, from a headless Chromium"
	@echo "make fuzz         every parser of foreign bytes under cargo-fuzz, SECONDS=n each (a nightly toolchain where there is one)"
	@echo "make lint         format and lint checks"
	@echo "make miri         the unsafe kernel under Miri (installs a nightly toolchain; ten minutes)"
	@echo "make bench        benchmarks of the hot paths"
	@echo "make bench-features  pages and vector tiles of a million zones, over HTTP"
	@echo "make bench-peers  rededge beside the Python peers in PEERS ($(PEERS)); BENCH=--tile adds a whole tile"

setup:
	@.ci/setup

# The map library of the viewer, from npm, into a folder that the build looks into.
viewer: styles/viewer/dist/maplibre-gl.mjs

styles/viewer/dist/maplibre-gl.mjs: styles/viewer/package-lock.json
	@if command -v npm >/dev/null 2>&1; then \
		cd styles/viewer && npm ci --silent --no-audit --no-fund && \
		cp node_modules/maplibre-gl/LICENSE.txt node_modules/maplibre-gl/dist/maplibre-gl.css \
			node_modules/maplibre-gl/dist/maplibre-gl-worker.mjs node_modules/maplibre-gl/dist/maplibre-gl.mjs dist/ && \
		touch dist/maplibre-gl.mjs; \
	else echo "npm is absent: the server is built without its map viewer"; fi

build: setup viewer
	$(CARGO) build --release --locked

demo: build
	@rm -rf rededge-demo
	$(CARGO) run --release --locked --quiet -- demo --out rededge-demo

test: setup
	$(CARGO) test --release --locked

test-clients: build
	$(CARGO) build --release --locked --example mount
	@tests/clients/setup.sh
	$(CLIENTS)/pytest tests/clients

test-pygeoapi: build
	$(CARGO) build --release --locked --example own_process
	plugin/pygeoapi/test.sh

pygeoapi-walk: build
	plugin/pygeoapi/walk/walk.sh

test-qgis: build
	$(CARGO) build --release --locked --example own_process
	plugin/qgis/test.sh

qgis-plugin:
	python3 plugin/qgis/package.py target/rededge-qgis.zip

qgis-walk: build
	plugin/qgis/walk/walk.sh

schemathesis: build
	@tests/clients/setup.sh
	SCHEMATHESIS_EXAMPLES=150 SCHEMATHESIS_LEAST=5000 $(CLIENTS)/pytest -s tests/clients/test_schemathesis.py

soak: build
	@tests/clients/setup.sh
	$(CLIENTS)/python tests/clients/soak.py --minutes $(or $(MINUTES),10)

pictures: build
	@tests/clients/setup.sh
	$(CLIENTS)/python tests/clients/pictures.py

lint: setup
	@$(CARGO) fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@$(CARGO) clippy --version >/dev/null 2>&1 || rustup component add clippy
	$(CARGO) fmt --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings

bench: setup
	$(CARGO) bench --locked

bench-features: build
	$(CARGO) build --release --locked --example features_load
	benches/features.sh

# By a nightly toolchain; where none is to be had, by the stable one, told to take what else only nightly does.
fuzz: setup
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked
	@rustup run nightly rustc --version >/dev/null 2>&1 || rustup toolchain install nightly --profile minimal || true
	@if rustup run nightly rustc --version >/dev/null 2>&1; then run="$(CARGO) +nightly"; \
	else run="env RUSTC_BOOTSTRAP=1 $(CARGO)"; fi; \
	for target in $$($(CARGO) fuzz list); do \
		mkdir -p fuzz/corpus/$$target; \
		ASAN_OPTIONS=detect_leaks=0 $$run fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(or $(SECONDS),300) || exit 1; \
	done

miri: setup
	rustup toolchain install nightly --profile minimal --component miri,rust-src
	CARGO_TARGET_DIR=target/miri MIRIFLAGS=-Zmiri-disable-isolation RUSTFLAGS=-Ctarget-feature=+avx2,+fma \
		$(CARGO) +nightly miri test --locked --lib -- classify::fused::tests classify::fused::gru

bench-peers: build
	$(CARGO) build --release --locked --examples
	python3 benches/peers/compare.py --peers "$(PEERS)" --write $(BENCH)

clean:
	$(CARGO) clean
	rm -rf rededge-demo
