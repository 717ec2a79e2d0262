#!/usr/bin/env bash
# github.com/elastic/go-elasticsearch/v8 v8.19.7, package typedapi/types: the method
# As(any) bool of ElasticsearchError reports true and sets nothing. errors.As with a
# variable of the type (not a pointer to it) says that it found the error, and leaves
# the variable empty.
#
# Expected: found, with status 404. Seen: found, with status 0. A variable of the
# pointer's type is set, for errors.As then needs no As method.
#
# Exits 0 while this is so, and 1 when it changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"errors"
	"fmt"

	"github.com/elastic/go-elasticsearch/v8/typedapi/types"
)

func main() {
	err := fmt.Errorf("reading: %w", &types.ElasticsearchError{Status: 404})
	var value types.ElasticsearchError
	var pointer *types.ElasticsearchError
	fmt.Println("value:", errors.As(err, &value), value.Status)
	fmt.Println("pointer:", errors.As(err, &pointer), pointer.Status)
}
GO
cat > go.mod <<'MOD'
module finding

go 1.25.0

require github.com/elastic/go-elasticsearch/v8 v8.19.7
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = $'value: true 0\npointer: true 404' ]
