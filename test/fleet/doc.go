// Package fleet compares what instances share by Redis with how others do that, and
// simulates large fleets: see docs/fleet.md, of which both write a part.
//
//	go run ./cmd/compare -update
//	go test -run Simulation -update
package fleet
