//go:build !race

package cladhttp_test

// raceEnabled makes the long tests shorter: the detector slows them down tenfold.
const raceEnabled = false
