// Package shard spreads what goroutines do at the same time over memory that they
// do not share.
package shard

import "unsafe"

// Hash returns a number that mostly differs between goroutines, by where the stack
// of the caller lies, with its upper bits the best spread: different goroutines have
// different stacks, and nothing shared is read to find it. One goroutine gets the
// same for as long as its stack is not moved, and calls from about as deep.
func Hash() uint64 {
	var here byte
	stack := uint64(uintptr(unsafe.Pointer(&here))) >> 11 // the smallest stack there is
	return stack * 0x9E3779B97F4A7C15                     // Fibonacci hashing: stacks lie side by side
}
