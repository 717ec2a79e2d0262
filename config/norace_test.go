//go:build !race

package config_test

// slowdown is how much longer everything takes under the race detector.
const slowdown = 1
