package console

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

const (
	step          = 2 * time.Second
	steps         = 150 // kept: five minutes
	recentSteps   = 5   // of the rates in Recent
	spanSteps     = 15  // of each of the two spans that quantiles are of
	maxOperations = 2000
	maxResources  = 2000 // breakers, and limiters, with a history
)

// recorder remembers what happened of late. What can be is read off the
// orchestrator's counters from time to time; only durations are counted by calls.
type recorder struct {
	o     *container.Orchestrator
	since time.Time

	live  sync.Map // operation -> *live
	lives atomic.Int64

	mu       sync.Mutex // guards what follows
	sequence uint64     // of the last step that is over
	last     map[string]policy.Totals
	series   map[string]*series
	breakers map[string]*track
	limiters map[string]*track
}

// series is what is kept of an operation.
type series struct {
	points  [steps]Point // a ring; that of a step is at its sequence
	from    uint64       // the first step
	busy    uint64       // the last step in which something happened
	current counts       // durations of this span
	before  counts       // and the one before
}

// track is what is kept of a breaker or limiter.
type track struct {
	values [steps]uint8
	from   uint64
}

func newRecorder(o *container.Orchestrator) *recorder {
	return &recorder{
		o: o, since: time.Now(), last: o.Metrics().Operations,
		series: make(map[string]*series), breakers: make(map[string]*track), limiters: make(map[string]*track),
	}
}

// completed is told of every operation's end.
func (r *recorder) completed(_ context.Context, done container.Completed) {
	known, ok := r.live.Load(done.Operation)
	if !ok {
		if r.lives.Load() >= maxOperations {
			return
		}
		var there bool
		if known, there = r.live.LoadOrStore(done.Operation, new(live)); !there {
			r.lives.Add(1)
		}
	}
	known.(*live).add(done.Duration)
}

// next ends a step, and returns its points.
func (r *recorder) next(log *eventLog) (sequence uint64, points map[string]Point) {
	metrics := r.o.Metrics().Operations
	states := make(map[string]uint8)
	for _, b := range r.o.CircuitBreakers() { // to ask one may change it, of which listeners hear: no lock is held
		states[b.Name()] = max(states[b.Name()], uint8(b.State()))
	}
	left := make(map[string]uint8)
	for _, l := range r.o.RateLimiters() {
		left[l.Name()] = share(l)
	}
	bulkheads := make(map[string]bool)
	for _, b := range r.o.Bulkheads() {
		bulkheads[b.Name()] = true
	}
	log.flush(states, left, bulkheads)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sequence++
	points = make(map[string]Point)
	for id, now := range metrics {
		p := difference(now, r.last[id])
		s := r.series[id]
		if s == nil {
			if p == (Point{}) || len(r.series) >= maxOperations {
				continue
			}
			s = &series{from: r.sequence}
			r.series[id] = s
		}
		s.measure(r.liveOf(id), &p, r.sequence%spanSteps == 0)
		s.points[r.sequence%steps] = p
		if p != (Point{}) {
			s.busy = r.sequence
			points[id] = p
		}
	}
	r.last = metrics
	r.forget()
	r.follow(r.breakers, states)
	r.follow(r.limiters, left)
	return r.sequence, points
}

func (r *recorder) liveOf(id string) *live {
	known, _ := r.live.Load(id)
	l, _ := known.(*live)
	return l
}

// measure adds to a point what its durations were.
func (s *series) measure(l *live, p *Point, span bool) {
	var taken counts
	if l != nil && l.drain(&taken) > 0 {
		p.P50, p.P99 = milliseconds(taken.quantile(0.5)), milliseconds(taken.quantile(0.99))
	}
	if span {
		s.before, s.current = s.current, counts{}
	}
	s.current.add(&taken)
}

// forget drops what did nothing for as long as anything is remembered.
func (r *recorder) forget() {
	for id, s := range r.series {
		if s.busy+steps <= r.sequence {
			delete(r.series, id)
		}
	}
	if r.sequence%spanSteps != 0 {
		return
	}
	r.live.Range(func(id, _ any) bool {
		if r.series[id.(string)] == nil {
			r.live.Delete(id)
			r.lives.Add(-1)
		}
		return true
	})
}

func (r *recorder) follow(tracks map[string]*track, values map[string]uint8) {
	for name := range tracks {
		if _, there := values[name]; !there {
			delete(tracks, name)
		}
	}
	for name, value := range values {
		t := tracks[name]
		if t == nil {
			if len(tracks) >= maxResources {
				continue
			}
			t = &track{from: r.sequence}
			tracks[name] = t
		}
		t.values[r.sequence%steps] = value
	}
}

// recent returns what happened to an operation of late.
func (r *recorder) recent(id string) Recent {
	s := r.series[id]
	if s == nil || r.sequence == 0 {
		return Recent{}
	}
	var sum Point
	over := min(r.sequence, recentSteps)
	for n := max(s.from, r.sequence+1-over); n <= r.sequence; n++ {
		p := s.points[n%steps]
		sum.Calls += p.Calls
		sum.Failed += p.Failed
		sum.Retries += p.Retries
		sum.Rejected += p.Rejected
	}
	per := func(n uint32) float64 { return float64(n) / (float64(over) * step.Seconds()) }
	all := s.before
	all.add(&s.current)
	return Recent{
		PerSecond: per(sum.Calls), FailedPerSecond: per(sum.Failed),
		RetriesPerSecond: per(sum.Retries), RejectedPerSecond: per(sum.Rejected),
		P50: brief(all.quantile(0.5).Seconds()), P90: brief(all.quantile(0.9).Seconds()), P99: brief(all.quantile(0.99).Seconds()),
	}
}

// busy reports whether something happened of late.
func (r *recorder) busy(id string) bool {
	s := r.series[id]
	return s != nil && s.busy+2*spanSteps > r.sequence
}

// history returns all that is remembered.
func (r *recorder) history() History {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := History{
		Sequence: r.sequence, Step: step.Seconds(), Steps: steps,
		Operations: make(map[string]Series, len(r.series)), CircuitBreakers: make(map[string]string, len(r.breakers)),
		RateLimiters: make(map[string][]int, len(r.limiters)),
	}
	for id, s := range r.series {
		var all Series
		for n := r.oldest(s.from); n <= r.sequence; n++ {
			p := s.points[n%steps]
			all.Calls = append(all.Calls, p.Calls)
			all.Failed = append(all.Failed, p.Failed)
			all.Retries = append(all.Retries, p.Retries)
			all.Rejected = append(all.Rejected, p.Rejected)
			all.Timeouts = append(all.Timeouts, p.Timeouts)
			all.P50 = append(all.P50, p.P50)
			all.P99 = append(all.P99, p.P99)
		}
		h.Operations[id] = all
	}
	for name, t := range r.breakers {
		var digits []byte
		for _, state := range r.valuesOf(t) {
			digits = append(digits, '0'+byte(state))
		}
		h.CircuitBreakers[name] = string(digits)
	}
	for name, t := range r.limiters {
		h.RateLimiters[name] = r.valuesOf(t)
	}
	return h
}

func (r *recorder) oldest(from uint64) uint64 {
	if r.sequence < steps {
		return from
	}
	return max(from, r.sequence+1-steps)
}

func (r *recorder) valuesOf(t *track) []int {
	var values []int
	for n := r.oldest(t.from); n <= r.sequence; n++ {
		values = append(values, int(t.values[n%steps]))
	}
	return values
}

// share is how much of a limiter's burst is left, in percent.
func share(l *container.RateLimiter) uint8 {
	burst := float64(max(1, l.Limit().Burst))
	return uint8(min(100, max(0, 100*l.Tokens()/burst)))
}

// difference is what happened between two readings of the same counters.
func difference(now, before policy.Totals) Point {
	if now.TotalOperations < before.TotalOperations { // it was forgotten, and is counted anew
		before = policy.Totals{}
	}
	less := func(a, b uint64) uint32 { return uint32(a - min(a, b)) }
	return Point{
		Calls:    less(now.TotalOperations, before.TotalOperations),
		Failed:   less(now.FailedOperations-now.Cancelled, before.FailedOperations-before.Cancelled),
		Retries:  less(now.RetryAttempts, before.RetryAttempts),
		Rejected: less(rejectionsOf(now), rejectionsOf(before)),
		Timeouts: less(now.TimeoutCount, before.TimeoutCount),
	}
}

func milliseconds(d time.Duration) float32 { return float32(d.Microseconds()) / 1000 }
