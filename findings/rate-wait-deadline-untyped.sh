#!/usr/bin/env bash
# golang.org/x/time v0.16.0, package rate: (*Limiter).Wait gives up at once where the
# token would come after the context's deadline. The error has no type: it is neither
# context.DeadlineExceeded nor a value of the package, and the context is not over either.
# "Too busy just now" can be told from "asked for more than the burst, and never to be
# had" by its text only.
#
# Here a token comes in 1 s, the deadline in 500 ms; then two tokens are asked of a burst
# of one.
#
# Expected: errors.Is(err, context.DeadlineExceeded), or something else to tell it by.
# Seen: false. A retry that stops at the errors of contexts tries again.
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

	"golang.org/x/time/rate"
)

func main() {
	limiter := rate.NewLimiter(1, 1)
	limiter.Allow()
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := limiter.Wait(ctx)
	fmt.Println("before the deadline:", time.Since(start) < 250*time.Millisecond && ctx.Err() == nil)
	fmt.Println("DeadlineExceeded:", errors.Is(err, context.DeadlineExceeded), "unwraps:", errors.Unwrap(err) != nil)
	fmt.Println(err)
	err = limiter.WaitN(context.Background(), 2)
	fmt.Println(err)
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26.0

require golang.org/x/time v0.16.0
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = $'before the deadline: true\nDeadlineExceeded: false unwraps: false\nrate: Wait(n=1) would exceed context deadline\nrate: Wait(n=2) exceeds limiter\'s burst 1' ]
