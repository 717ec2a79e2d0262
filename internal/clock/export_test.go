package clock

import (
	"time"
	"unsafe"
)

// StepWall makes it as if the wall clock had been set forward by whole seconds since
// the process started: the anchor's wall part is moved back, its monotonic part
// stays. It knows how time.Time holds the two, and says if that is no longer so.
func StepWall(seconds uint64) (back func(), ok bool) {
	before, anchor := base, (*uint64)(unsafe.Pointer(&base))
	*anchor -= seconds << 30
	moved := before.Round(0).Sub(base.Round(0)) == time.Duration(seconds)*time.Second && base.Sub(before) == 0
	return func() { base = before }, moved
}
