package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
)

// untouched is how much memory is taken before any is collected: most runs of clad
// are over by then, and collecting was a fifth of their work.
const untouched = 64 << 20

// collectLater puts off the first collection, and has the others come as ever. Who
// has settings of their own keeps them.
func collectLater() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(untouched)
	runtime.AddCleanup(new([64]byte), func(struct{}) {
		debug.SetGCPercent(100)
		debug.SetMemoryLimit(math.MaxInt64)
	}, struct{}{})
}
