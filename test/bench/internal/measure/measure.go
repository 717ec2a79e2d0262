// Package measure times many subjects so that a noisy machine disturbs all of
// them alike: in many short rounds over all subjects, each compared with calls
// of time.Now made right before and after it.
package measure

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"
)

// Subject is something that can be called often.
type Subject interface {
	ID() string
	// Run makes n calls.
	Run(n int) error
}

// Plan says how much to measure.
type Plan struct {
	Rounds int           // over all subjects
	Slice  time.Duration // of each subject in each round
	// Progress is told of each round that is done. It may be nil.
	Progress func(done, of int)
}

// Time estimates how long so many subjects take.
func (p Plan) Time(subjects int) time.Duration {
	const clock = pieces * (120 + 20) * time.Microsecond // see clockNanos and paceNanos
	return time.Duration(p.Rounds+2) * time.Duration(subjects) * (p.Slice + clock)
}

// Series is what was measured of a subject.
type Series struct {
	ID     string
	Ratios []float64 // a call in calls of time.Now, by round
	Nanos  []float64 // a call in nanoseconds, by round
	Allocs float64   // per call
	Bytes  float64   // per call
	Calls  uint64    // made in all

	clocks []float64 // time.Now in nanoseconds, by round
	paces  []float64 // a step of plain code in nanoseconds, by round
	counts []int     // the rounds that count
}

// Ratio sums up the ratios of the rounds that count.
func (s *Series) Ratio() Spread { return SpreadOf(s.pick(s.Ratios)) }

// Time sums up the nanoseconds of the rounds that count.
func (s *Series) Time() Spread { return SpreadOf(s.pick(s.Nanos)) }

// Pace is what a step of plain code took in the rounds that count, in calls of
// time.Now: more on a processor that shares its core, or of another kind.
func (s *Series) Pace() float64 {
	paces := s.pick(s.paces)
	for i, clock := range s.pick(s.clocks) {
		paces[i] /= clock
	}
	return SpreadOf(paces).Median
}

func (s *Series) pick(byRound []float64) []float64 {
	var picked []float64
	for _, round := range s.counts {
		picked = append(picked, byRound[round])
	}
	return picked
}

// A slice is timed in pieces of which the median counts: a piece during which
// another process had the processor does not.
const pieces = 9

// Measure times the subjects. Each series stands where its subject does.
func (p Plan) Measure(ctx context.Context, subjects []Subject) ([]Series, error) {
	series := make([]Series, len(subjects))
	sizes := make([]int, len(subjects))
	for i, s := range subjects {
		series[i].ID = s.ID()
		var err error
		if sizes[i], err = calibrate(s, &series[i], p.Slice/pieces); err != nil {
			return nil, err
		}
		if err := countAllocs(s, &series[i]); err != nil {
			return nil, err
		}
	}
	order := make([]int, len(subjects))
	for i := range order {
		order[i] = i
	}
	// A heap that looks large is not collected within a slice, and the runtime
	// gives none of it back to the system between two of them, which would
	// make the next one pay for page faults. The ballast itself is never
	// touched, so it takes no memory.
	ballast := make([]byte, 128<<20)
	defer runtime.KeepAlive(ballast)
	for round := range p.Rounds {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		before, pace := clockNanos(), paceNanos()
		for _, i := range order {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			nanos, err := timeSlice(subjects[i], &series[i], sizes[i])
			if err != nil {
				return nil, err
			}
			after, paceAfter := clockNanos(), paceNanos()
			s := &series[i]
			s.Nanos = append(s.Nanos, nanos)
			s.Ratios = append(s.Ratios, 2*nanos/(before+after))
			s.clocks = append(s.clocks, (before+after)/2)
			s.paces = append(s.paces, max(pace, paceAfter))
			before, pace = after, paceAfter
		}
		if p.Progress != nil {
			p.Progress(round+1, p.Rounds)
		}
	}
	best := bestPace(series)
	for i := range series {
		series[i].counts = Undisturbed(series[i].paces, best)
	}
	return series, nil
}

// calibrate finds how many calls last as long as a piece, and warms up. The
// shortest of a few tries counts: one that was interrupted would make for
// pieces so short that there is little in them but their beginning.
func calibrate(s Subject, series *Series, piece time.Duration) (int, error) {
	const longest, tries = 1 << 30, 4
	for n := 1; ; n *= 2 {
		d := time.Duration(math.MaxInt64)
		for try := 0; try < tries && d >= piece/2; try++ {
			took, err := timed(s, series, n)
			if err != nil {
				return 0, err
			}
			d = min(d, took)
		}
		if d >= piece/2 || n >= longest {
			perCall := max(float64(d)/float64(n), 0.1)
			return max(int(float64(piece)/perCall), 1), nil
		}
	}
}

func timeSlice(s Subject, series *Series, n int) (nanosPerCall float64, err error) {
	runtime.GC()
	var times [pieces]float64
	for i := range times {
		d, err := timed(s, series, n)
		if err != nil {
			return 0, err
		}
		times[i] = float64(d.Nanoseconds()) / float64(n)
	}
	slices.Sort(times[:])
	return times[pieces/2], nil
}

func timed(s Subject, series *Series, n int) (time.Duration, error) {
	start := time.Now()
	err := s.Run(n)
	d := time.Since(start)
	series.Calls += uint64(n)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.ID(), err)
	}
	return d, nil
}

// countAllocs counts the allocations of some calls: the fewest of a few counts, since
// what others allocate meanwhile, and what a pool lost to them, only adds.
func countAllocs(s Subject, series *Series) error {
	const n, counts = 2000, 5
	series.Allocs, series.Bytes = math.Inf(1), math.Inf(1)
	for range counts {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := timed(s, series, n)
		runtime.ReadMemStats(&after)
		if err != nil {
			return err
		}
		series.Allocs = min(series.Allocs, float64(after.Mallocs-before.Mallocs)/n)
		series.Bytes = min(series.Bytes, float64(after.TotalAlloc-before.TotalAlloc)/n)
	}
	return nil
}

// Clock is time.Now as a subject: the unit itself.
type Clock struct{}

// ID returns "time.Now".
func (Clock) ID() string { return "time.Now" }

// Run reads the clock n times.
func (Clock) Run(n int) error {
	for range n {
		runtime.KeepAlive(time.Now())
	}
	return nil
}

// clockNanos returns what time.Now costs at this moment.
func clockNanos() float64 {
	const calls = 2000 // a tenth of a millisecond
	var times [pieces]float64
	for i := range times {
		start := time.Now()
		_ = Clock{}.Run(calls)
		times[i] = float64(time.Since(start).Nanoseconds()) / calls
	}
	slices.Sort(times[:])
	return times[pieces/2]
}
