package main

import (
	"os"
	"syscall"
)

// peakOf is the most memory that the process, or one that it waited for, had.
func peakOf(state *os.ProcessState) int64 {
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss << 10
	}
	return 0
}
