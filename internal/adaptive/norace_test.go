//go:build !race

package adaptive_test

// raceEnabled leaves out simulations.
const raceEnabled = false
