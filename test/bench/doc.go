// Package bench holds what clad is measured by: rows of the design's table, the
// systems that are compared in them, and proof that each does what its row is
// named after.
//
// A [Case] is a [Row] on a [System]. Case.Prepare verifies it and makes a [Bench],
// which calls the protected [Gateway]; Bench.Close confirms, once it has been
// timed, that what was timed was protected and that clad counted every call.
//
// cmd/benchtable measures all cases beside calls of time.Now, writes
// docs/benchmarks.md, and compares clad with an earlier measurement. The Go
// benchmarks of this package are for profiles and quick looks:
//
//	go test -run - -bench Call/all/clad:proxy -cpuprofile cpu.prof
package bench
