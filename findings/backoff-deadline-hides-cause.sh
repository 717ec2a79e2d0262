#!/usr/bin/env bash
# github.com/cenkalti/backoff/v5 v5.0.3: when the context's deadline passes between two
# attempts, Retry returns the context's error alone. Why each attempt failed is not in it,
# neither in its text nor for errors.Is.
#
# Here each attempt fails at once with "password authentication failed", for 350 ms.
#
# Expected: an error that says both, or the last attempt's, as WithMaxElapsedTime of the
# same length returns it.
# Seen: "context deadline exceeded", as of a server that is too slow. WithNotify is the
# way to the cause.
#
# Exits 0 while this is so, and 1 when it changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

var errPassword = errors.New("password authentication failed")

func attempt(ctx context.Context, opts ...backoff.RetryOption) {
	opts = append(opts, backoff.WithBackOff(backoff.NewConstantBackOff(100*time.Millisecond)))
	_, err := backoff.Retry(ctx, func() (int, error) { return 0, errPassword }, opts...)
	fmt.Printf("%v; what failed is told: %t\n", err, errors.Is(err, errPassword))
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 350*time.Millisecond)
	defer cancel()
	attempt(ctx)
	attempt(context.Background(), backoff.WithMaxElapsedTime(350*time.Millisecond))
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26.0

require github.com/cenkalti/backoff/v5 v5.0.3
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = $'context deadline exceeded; what failed is told: false\npassword authentication failed; what failed is told: true' ]
