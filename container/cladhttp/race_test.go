//go:build race

package cladhttp_test

// raceEnabled says that allocations are not those of the code alone.
const raceEnabled = true
