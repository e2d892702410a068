# The commands of everyday work; CMake presets do the building.
.PHONY: all build deps demo test check lint format bench clean

all: build

# build/release/tinct
build: deps
	@cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@sed -n '/tinct .*:/,/^-- Configuring/p' build/configure.log | sed '/^-- Configuring/d'
	cmake --build build/release --target tinct

# The Debian packages that are missing, and nothing when none is.
deps:
	@mkdir -p build
	@tools/install-deps.sh

demo: build
	tools/demo.sh

# Everything: lint, all tests, then the sanitizer builds. The last line says how many passed.
test: deps
	tests/run.sh

# The quick part of it: the tests of the release build.
check: deps
	tests/run.sh release

lint: deps
	tools/lint.sh

format:
	git ls-files '*.h' '*.cpp' '*.cu' | xargs clang-format -i

bench: build
	cmake --build build/release --target tinct_bench
	build/release/tinct_bench

clean:
	rm -rf build
