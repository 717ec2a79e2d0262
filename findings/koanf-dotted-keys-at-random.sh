#!/usr/bin/env bash
# github.com/knadh/koanf/v2 v2.4.1: a key that holds the delimiter, as the name of a host
# or a Go type does, is the same path as nested keys. Where both are there, Load gives no
# error, and which of the two a path reads is drawn anew each time: the key map is written
# in the order in which Go happens to walk a map.
#
# Here one and the same map, {"api.orders": 10s, "api": {"orders": 20s}}, is loaded 500
# times.
#
# Expected: an error; or always the same value.
# Seen: 10s in some of the loads, 20s in the others, so that the instances of an
# application with one file can differ. With a delimiter that no key holds they don't.
#
# Exits 0 while this is so, and 1 when it changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"fmt"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

func main() {
	file := map[string]any{"timeouts": map[string]any{
		"api.orders": "10s",
		"api":        map[string]any{"orders": "20s"},
	}}
	seen := map[string]int{}
	for range 500 {
		k := koanf.New(".")
		if err := k.Load(confmap.Provider(file, ""), nil); err != nil {
			panic(err)
		}
		seen[k.String("timeouts.api.orders")]++
	}
	fmt.Println("values seen:", len(seen), "10s:", seen["10s"] > 0, "20s:", seen["20s"] > 0)
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26.0

require (
	github.com/knadh/koanf/providers/confmap v1.0.0
	github.com/knadh/koanf/v2 v2.4.1
)
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = "values seen: 2 10s: true 20s: true" ]
