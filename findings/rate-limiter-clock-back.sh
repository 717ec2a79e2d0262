#!/usr/bin/env bash
# golang.org/x/time v0.16.0, package rate: (*Limiter).AllowN takes the time of the
# request, and several goroutines that read the clock before they reach the limiter
# reach it out of order. An earlier reading sets the limiter's own clock back, and the
# time from there to the next reading brings its tokens once more.
#
# Expected of a limit of 1 a second with a burst of 3 that was emptied at t0: two
# requests pass at t0+2.5s, whatever else is asked with an older reading.
# Seen: 200 of 200 pass when every other one brings the reading t0.
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
	"time"

	"golang.org/x/time/rate"
)

func main() {
	t0 := time.Now()
	l := rate.NewLimiter(1, 3)
	l.AllowN(t0, 3)
	passed := 0
	for range 100 {
		for _, at := range []time.Time{t0.Add(2500 * time.Millisecond), t0} {
			if l.AllowN(at, 1) {
				passed++
			}
		}
	}
	fmt.Println("passed", passed, "of 200")
}
GO
cat > go.mod <<'MOD'
module finding

go 1.25.0

require golang.org/x/time v0.16.0
MOD
out=$(GOFLAGS=-mod=mod GOWORK=off go run .)
echo "$out"
[ "$out" = "passed 200 of 200" ]
