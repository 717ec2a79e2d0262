//go:build race

package circuit_test

// raceEnabled makes the long tests shorter: the detector slows them down tenfold.
const raceEnabled = true
