//go:build race

package container_test

// raceEnabled makes the long tests shorter: the detector slows them down tenfold.
const raceEnabled = true
