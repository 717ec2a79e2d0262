package measure

import (
	"cmp"
	"runtime"
	"slices"
	"time"
)

// A processor that shares its core with somebody else's work runs plain code at
// not much more than half its speed, while the clock, which mostly waits, takes
// only a third longer. A ratio of the two then says more about the neighbour than
// about the code. So the pace of plain code is measured beside that of the
// clock, and the slices that count are those that had their core to themselves.

// paceNanos returns how long a step of plain arithmetic takes at this moment: of
// several sums that do not wait for each other, as little else does in a call
// that finds what it needs in the cache.
func paceNanos() float64 {
	const steps = 20_000 // a fiftieth of a millisecond
	var times [pieces]float64
	for i := range times {
		var a, b, c, d uint64
		start := time.Now()
		for n := range uint64(steps) {
			a, b, c, d = a+n, b^n, c+n|1, d^n<<1
			a, b, c, d = a^3, b+5, c^7, d+9
		}
		times[i] = float64(time.Since(start).Nanoseconds()) / steps
		runtime.KeepAlive(a + b + c + d)
	}
	slices.Sort(times[:])
	return times[pieces/2]
}

// Undisturbed returns which rounds count, given their paces: those at the best pace
// there was, or the best quarter of them where the core was hardly ever free.
func Undisturbed(paces []float64, best float64) []int {
	const free = 1.1
	rounds := make([]int, len(paces))
	for i := range rounds {
		rounds[i] = i
	}
	slices.SortStableFunc(rounds, func(i, j int) int { return cmp.Compare(paces[i], paces[j]) })
	least := (len(rounds) + 3) / 4
	n := 0
	for n < len(rounds) && (n < least || paces[rounds[n]] <= free*best) {
		n++
	}
	return rounds[:n]
}

// bestPace is that of a tenth of all slices.
func bestPace(series []Series) float64 {
	var all []float64
	for _, s := range series {
		all = append(all, s.paces...)
	}
	slices.Sort(all)
	return quantile(all, 0.1)
}
