# Every command of the project. `make` alone lists them.
#
# Targets that work on code walk all modules of the repository, found by their
# go.mod, so that a new module is tested the day it appears. A failing module
# does not hide the next one: all are walked, then the target fails.
#
# Needed: Go and make. `race` also needs a C compiler.

.DEFAULT_GOAL := help

# Each module is built from its own go.mod, as a user of it would; see go.work.
export GOWORK := off

MODULES := $(sort $(patsubst %/go.mod,%,$(shell find . -name go.mod -not -path '*/testdata/*' -not -path '*/.*/*')))
# internal/lint only pins the linter and holds no code.
CODE := $(filter-out ./internal/lint,$(MODULES))
GOFILES = find . -name '*.go' -not -path '*/testdata/*' -not -path '*/.*/*'

# A test that hangs is stopped in time to see what else fails; on a busy machine,
# those that run the go command take minutes.
TESTFLAGS ?= -count=1 -timeout=15m
# A count, not a time: before 1.27, Go fails a target now and then at the end of its
# time, with nothing found (golang/go#75804).
FUZZTIME ?= 10000x
BENCH ?=
LINTER := bin/golangci-lint

# $(call each,modules,command): the command in each of the modules.
define each
@failed=; for module in $(1); do \
	printf '\n%s: %s\n' "$$module" '$(strip $(2))'; \
	(cd "$$module" && $(2)) || failed="$$failed $$module"; \
done; \
[ -z "$$failed" ] || { printf '\nmake $@ failed in:%s\n' "$$failed"; exit 1; }
endef

# $(call together,modules,command): the same for two modules at a time, since the
# tests of many wait more than they compute. What a module prints comes whole.
define together
@mkdir -p bin; rm -f bin/failed; \
printf '%s\n' $(1) | xargs -P 2 -I '{}' sh -c '\
	printed=$$(cd {} && $(strip $(2)) 2>&1) || echo {} >> bin/failed; \
	printf "\n%s: %s\n%s\n" {} "$(strip $(2))" "$$printed"'; \
[ ! -f bin/failed ] || { printf '\nmake $@ failed in: %s\n' "$$(tr '\n' ' ' < bin/failed)"; exit 1; }
endef

.PHONY: help
help: ## list the commands
	@printf 'usage: make <command>\n\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@printf '\nModules: %s\n' '$(MODULES)'

.PHONY: test
test: ## run every test of every module
	$(call together,$(CODE),go test $(TESTFLAGS) ./...)

# go.mod has the lowest versions that do; what an application has may be newer.
.PHONY: newest
newest: ## test the library with the newest versions of all that it requires
	@mkdir -p bin && cp go.mod bin/newest.mod && cp go.sum bin/newest.sum
	go get -modfile=bin/newest.mod -u -t ./...
	go vet -modfile=bin/newest.mod ./...
	go test -modfile=bin/newest.mod $(TESTFLAGS) $$(go list ./... | grep -Ev '/(test|internal/docs)$$')

.PHONY: race
race: ## run every test under the race detector, in shuffled order
	$(call together,$(CODE),go test -race -shuffle=on $(TESTFLAGS) ./...)

.PHONY: cover
cover: ## measure the tests' coverage, across packages (bin/cover.out per module)
	$(call each,$(CODE),mkdir -p bin && go test $(TESTFLAGS) -coverpkg=./... -coverprofile=bin/cover.out ./... >/dev/null && go tool cover -func=bin/cover.out | tail -1)

.PHONY: lint
lint: $(LINTER) ## run the linter (rules: .golangci.yml)
	$(call each,$(CODE),$(CURDIR)/$(LINTER) run --config $(CURDIR)/.golangci.yml ./...)

.PHONY: lint-fix
lint-fix: $(LINTER) ## mend what the linter can mend by itself
	$(call each,$(CODE),$(CURDIR)/$(LINTER) run --fix --config $(CURDIR)/.golangci.yml ./...)

.PHONY: vet
vet: ## run go vet
	$(call each,$(CODE),go vet ./...)

$(LINTER): internal/lint/go.mod internal/lint/go.sum
	@echo 'building the linter that internal/lint pins; the first time takes minutes'
	@mkdir -p bin
	go -C internal/lint build -o $(CURDIR)/bin/ tool

.PHONY: fmt
fmt: ## format all code
	$(GOFILES) -exec gofmt -w {} +

.PHONY: fmt-check
fmt-check: ## fail when code is not formatted
	@unformatted=$$($(GOFILES) -exec gofmt -l {} +) || exit 1; \
	[ -z "$$unformatted" ] || { printf 'not formatted, run make fmt:\n%s\n' "$$unformatted"; exit 1; }

# go.work.sum has what no module's own go.sum has, since the workspace picks one
# version for all. Left to itself, it would change as somebody calls `go doc`.
worksum = { GOWORK= go list -m all && GOWORK= go list -deps -test $(addsuffix /...,$(CODE)); } >/dev/null

.PHONY: tidy
tidy: ## tidy each go.mod, list every module in go.work, and complete go.work.sum
	$(call each,$(MODULES),go mod tidy)
	GOWORK= go work use $(CODE)
	rm -f go.work.sum && $(worksum)

.PHONY: tidy-check
tidy-check: ## fail when a go.mod, go.sum or go.work.sum is not tidy
	$(call each,$(MODULES),go mod tidy -diff)
	@mkdir -p bin && cp go.work.sum bin/ && $(worksum); \
	cmp -s go.work.sum bin/go.work.sum || { diff bin/go.work.sum go.work.sum; mv bin/go.work.sum go.work.sum; printf '\ngo.work.sum is not complete, run make tidy\n'; exit 1; }

.PHONY: generate-check
generate-check: ## fail when a generated file is stale
	@go -C cmd/clad build -o $(CURDIR)/bin/ .
	@failed=; for folder in $$(find . -name 'clad_gen*.go' -not -path '*/testdata/*' -not -path '*/.*/*' -exec dirname {} + | sort -u); do \
		printf '%s: clad gen -check\n' "$$folder"; \
		(cd "$$folder" && $(CURDIR)/bin/clad gen -check .) || failed="$$failed $$folder"; \
	done; \
	[ -z "$$failed" ] || { printf '\nmake $@ failed in:%s\n' "$$failed"; exit 1; }

.PHONY: docs-check
docs-check: ## compile and run every example in the documentation
	go test -count=1 -v -run '^TestRepository$$' ./internal/docs

.PHONY: fuzz-short
fuzz-short: ## run each fuzz target for FUZZTIME (10000x, inputs)
	@failed=; \
	for file in $$(grep -rl --include='*_test.go' '^func Fuzz' . | grep -v /testdata/ | sort); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			package=$$(dirname "$$file"); printf '\n%s: %s for %s\n' "$$package" "$$target" '$(FUZZTIME)'; \
			(cd "$$package" && go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=10x .) || failed="$$failed $$package.$$target"; \
		done; \
	done; \
	[ -z "$$failed" ] || { printf '\nmake $@ failed in:%s\n' "$$failed"; exit 1; }

.PHONY: bench
bench: ## measure clad beside its peers and write docs/benchmarks.md (BENCH=regexp picks and only prints)
	cd test/bench && go run ./cmd/benchtable -docs ../../docs $(if $(BENCH),-run '$(BENCH)')

.PHONY: bench-gen
bench-gen: ## measure clad gen beside moq and mockery, which it installs for that, and write the table in docs/generating-proxies.md
	cd test/bench && go run ./cmd/gentable -write

.PHONY: bench-check
bench-check: ## fail when clad has become slower than test/bench/baseline.json by more than the noise
	cd test/bench && go run ./cmd/benchtable -check -baseline baseline.json

.PHONY: clients
clients: ## run the clients that clad knows against real servers and write docs/clients.md and docs/failovers.md
	@rm -f docs/failovers.md; for folder in $$(grep -rl --include='*_test.go' 'clad/internal/failover"' . | xargs -n 1 dirname | sort -u); do \
		(cd $$folder && CLAD_FAILOVERS=write go test -count=1 -run Survived .) || exit 1; \
	done
	cd test/clients && go test -count=1 ./... -update

# The browser's tests hold the console to what axe-core checks. It is not ours to
# spread, so it is fetched; what comes must be what was looked at.
AXE := 4.14.1
AXE_SHA256 := e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745

.PHONY: axe
axe: bin/axe.min.js ## fetch axe-core, which checks the console's accessibility (needs npm)
bin/axe.min.js: Makefile
	@mkdir -p bin/axe && cd bin/axe && npm pack --silent axe-core@$(AXE) >/dev/null && \
	echo '$(AXE_SHA256)  axe-core-$(AXE).tgz' | sha256sum --check --quiet && \
	tar -xzf axe-core-$(AXE).tgz package/axe.min.js && mv package/axe.min.js ../ && touch ../axe.min.js
	@rm -rf bin/axe

.PHONY: demo
demo: ## play the example's two stories: an outage, and a bank on fire
	GOWORK= go run ./examples/app -demo

.PHONY: clean
clean: ## remove what the other commands built
	rm -rf $(addsuffix /bin,$(MODULES))
