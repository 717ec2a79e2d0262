//go:build unix

package explain_test

import (
	"syscall"
	"time"
)

// cpuTime is what this process has had of the processors: a busy machine makes
// no difference to it.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
