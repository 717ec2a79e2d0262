//go:build !race

package cladgrpc_test

// raceEnabled says whether allocations are not those of the code alone.
const raceEnabled = false
