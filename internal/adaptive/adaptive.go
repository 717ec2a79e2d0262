// Package adaptive finds how many calls a dependency takes at the same time, by how
// long they take. It knows durations and counts, and nothing of whose they are.
//
// It is a gradient limit: what TCP Vegas does for a congestion window (Brakmo and
// Peterson, "TCP Vegas: End to End Congestion Avoidance on a Global Internet", IEEE
// JSAC 13(8), 1995), with the root of the limit as the queue that is aimed at. While
// calls take about as long as those that met no queue, the limit grows by its root;
// where they take longer, it shrinks as the ratio does.
//
// Netflix's concurrency-limits has made that common, and its known faults are
// avoided here:
//
//   - Its limit never recovers from one call that was too quick, since it holds on to
//     the shortest time there ever was. Here times are means of windows, and the
//     time without a queue is measured anew, every so often, by letting in half of
//     the limit for a moment, and again half of that as long as calls become quicker
//     by it. BBR drains its queue so (Cardwell et al., "BBR: Congestion-Based
//     Congestion Control", ACM Queue 14(5), 2016).
//   - Its long-term average drifts to the times of a long overload, and then takes
//     these for normal. Here nothing but that measurement lengthens it.
//   - Its limit grows while nobody needs it, and is of no use when somebody does.
//     Here it grows only where calls were at the limit.
//   - It jumps at the start, by what its first calls took. Here the first windows are
//     only measured, no step up is larger than the root, and none down more than a
//     half.
package adaptive

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// Limit is a limit that adapts. It is configured before its first use, and is safe
// for use by many goroutines.
type Limit struct {
	mu       sync.Mutex
	settings Settings
	limit    float64
	unloaded time.Duration // that calls take which meet no queue; 0 until it was measured
	since    clock.Nanos   // of the window: calls that began before met another limit
	measured clock.Nanos   // when unloaded last was
	probing  int           // how often the limit is halved at the moment, to measure it
	before   time.Duration // what calls took before the last halving
	most     int           // calls at the same time, in the window
	samples  samples
}

// Settings are the bounds of a limit. None has a default.
type Settings struct {
	Initial, Min, Max int // 1 <= Min <= Initial <= Max
}

const (
	// A window has so many samples at least, and where it measures more, and lasts
	// for so many times what its calls take: those that are still under way at its
	// end were longer, and are missing in it.
	leastSamples   = 20
	measureSamples = 60
	windowLasts    = 4
	shortestWindow = 100 * time.Millisecond
	// tolerance is by how much longer calls may take before that is taken for a
	// queue: times are never quite the same.
	tolerance = 1.5
	// smoothing is how much of a step is made at a time.
	smoothing = 0.3
	// busy is the share of the limit that must have been in use for it to change.
	busy = 0.9
	// remeasure is how often the time without a queue is measured, and quicker what
	// calls come to by half the limit where there was a queue.
	remeasure = 30 * time.Second
	quicker   = 0.8
)

// Configure gives the limit its bounds. It stays what it is, within them.
func (l *Limit) Configure(s Settings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.settings == (Settings{}) {
		l.limit = float64(s.Initial)
	}
	l.settings = s
	l.limit = l.within(l.limit)
}

func (l *Limit) within(limit float64) float64 {
	return min(max(limit, float64(l.settings.Min)), float64(l.settings.Max))
}

// Now returns how many calls may be under way at the same time.
func (l *Limit) Now() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now()
}

func (l *Limit) now() int { return max(int(l.limit)>>l.probing, l.settings.Min) }

// Status is what a limit knows at one moment.
type Status struct {
	Settings
	Unloaded  time.Duration // that calls take which meet no queue; 0 until it was measured
	Measuring bool          // fewer are let in for the moment, to find that
}

// Status returns what the limit knows now.
func (l *Limit) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Status{l.settings, l.unloaded, l.probing > 0}
}

// Observe tells of a call that has ended, while so many were under way, itself
// included. It returns what the limit is since. A failure says how long calls take
// only where it took its time: many are quick for the wrong reasons.
func (l *Limit) Observe(began, now clock.Nanos, underWay int, failed bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since == 0 {
		l.since, l.measured = now, now
	}
	if began < l.since {
		return l.now() // it met another limit
	}
	l.most = max(l.most, underWay)
	if took := now.Sub(began); !failed || took > l.unloaded && l.unloaded > 0 {
		l.samples.add(took)
	}
	least := leastSamples
	if l.probing > 0 || l.unloaded == 0 {
		least = measureSamples
	}
	if l.samples.seen >= least && now.Sub(l.since) >= l.windowLasts() {
		l.endWindow(now)
	}
	return l.now()
}

// windowLasts is how long a window takes with samples as they are. Where these are
// so long that nothing can be missing, there is no need to wait for longer ones.
func (l *Limit) windowLasts() time.Duration {
	mean := l.samples.sum / time.Duration(l.samples.seen)
	if l.probing == 0 && l.unloaded > 0 && mean > windowLasts*l.unloaded {
		return shortestWindow
	}
	return max(shortestWindow, windowLasts*mean)
}

func (l *Limit) endWindow(now clock.Nanos) {
	took := max(l.samples.usual(), 1)
	switch {
	case l.probing > 0:
		l.measure(took, now)
	case l.unloaded == 0: // nobody knows yet whether there was a queue
		l.probing, l.before = 1, took
	default:
		if float64(took) < quicker*float64(l.unloaded) {
			l.unloaded -= (l.unloaded - took) / 8 // it has become quicker
		}
		if float64(l.most) < busy*math.Floor(l.limit) {
			break // it is not the limit that decides how long they take
		}
		l.adapt(took)
		if now.Sub(l.measured) >= remeasure {
			l.probing, l.before = 1, took
		}
	}
	l.since, l.most = now, 0
	l.samples.reset()
}

// measure looks at what calls take by half of what was let in before. Where they are
// quicker there was a queue, and perhaps there is one still.
func (l *Limit) measure(took time.Duration, now clock.Nanos) {
	switch queued := float64(took) < quicker*float64(l.before); {
	case queued && l.now() > l.settings.Min:
		l.probing, l.before = l.probing+1, took
		return
	case !queued: // neither was longer for a queue
		took = (took + l.before) / 2
	}
	l.unloaded, l.measured, l.probing = took, now, 0
}

// adapt makes a step by how long calls took.
func (l *Limit) adapt(took time.Duration) {
	gradient := min(max(tolerance*float64(l.unloaded)/float64(took), 0.5), 1)
	step := smoothing * (l.limit*gradient + math.Sqrt(l.limit) - l.limit)
	l.limit = l.within(l.limit + step)
}

// samples are durations of which the usual one is wanted: all of them, or where there
// are many every second, fourth, and so on.
type samples struct {
	seen   int
	sum    time.Duration
	stride int
	kept   []time.Duration
}

const mostSamples = 128

func (s *samples) add(d time.Duration) {
	if s.stride = max(s.stride, 1); s.seen%s.stride == 0 {
		if len(s.kept) == mostSamples {
			for i := range mostSamples / 2 {
				s.kept[i] = s.kept[2*i]
			}
			s.kept = s.kept[:mostSamples/2]
			s.stride *= 2
		}
		if s.seen%s.stride == 0 {
			s.kept = append(s.kept, d)
		}
	}
	s.seen++
	s.sum += d
}

// usual is the mean without the longest tenth: what hangs would hide all others.
func (s *samples) usual() time.Duration {
	slices.Sort(s.kept)
	most := max(len(s.kept)*9/10, 1)
	var sum time.Duration
	for _, d := range s.kept[:most] {
		sum += d / time.Duration(most)
	}
	return sum
}

func (s *samples) reset() { *s = samples{kept: s.kept[:0]} }
