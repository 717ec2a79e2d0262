package adaptive_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// phase is a time in which a server has so many workers and gets so many calls.
type phase struct {
	lasts   time.Duration
	workers int
	work    time.Duration // that a call is, on average; it is exponential
	calls   float64       // a second, at random times
}

// second is what happened in one second of a simulation.
type second struct {
	at        time.Duration
	limit     float64 // at its end
	served    int
	refused   int
	late      int           // gave up after patience
	latency   time.Duration // median of those served
	slowest   time.Duration // of a hundred, the second slowest
	durations []time.Duration
}

// patience is how long callers wait for the server.
const patience = 2 * time.Second

// limiter lets so many calls in.
type limiter interface {
	Now() int
	Observe(began, now clock.Nanos, underWay int, failed bool) int
}

// fixed is a bulkhead.
type fixed int

func (f fixed) Now() int                                    { return int(f) }
func (f fixed) Observe(_, _ clock.Nanos, _ int, _ bool) int { return int(f) }

// call is one that is with the server.
type call struct {
	began, ends clock.Nanos
	work        time.Duration
	gaveUp      bool
	served      bool
}

// simulate runs a server behind a limit: workers with a queue in front of them, from
// which a call whose caller has given up is not taken out, as most servers can't
// know.
func simulate(l limiter, seed uint64, phases []phase) []second {
	r := rand.New(rand.NewPCG(seed, seed))
	var (
		now       = clock.Nanos(1)
		busy      []*call // at a worker, sorted by when they end
		queue     []*call // and those before one
		underWay  int     // that the limit knows of
		giveUps   []*call // in the order of their beginnings
		all       []second
		perSecond second
	)
	at := func(d time.Duration) clock.Nanos { return clock.Nanos(1).Add(d) }
	var elapsed time.Duration
	for _, p := range phases {
		ends := at(elapsed + p.lasts)
		next := now.Add(time.Duration(r.ExpFloat64() / p.calls * 1e9))
		for now < ends {
			for len(queue) > 0 && len(busy) < p.workers {
				c := queue[0]
				queue = queue[1:]
				c.ends = now.Add(c.work)
				at, _ := slices.BinarySearchFunc(busy, c, func(a, b *call) int { return cmp.Compare(a.ends, b.ends) })
				busy = slices.Insert(busy, at, c)
			}
			for len(giveUps) > 0 && giveUps[0].served {
				giveUps = giveUps[1:]
			}
			// What comes next: an arrival, an end, a caller who gives up, a second.
			when := min(next, at(perSecond.at+time.Second))
			if len(busy) > 0 {
				when = min(when, busy[0].ends)
			}
			if len(giveUps) > 0 {
				when = min(when, giveUps[0].began.Add(patience))
			}
			now = when
			switch {
			case len(giveUps) > 0 && giveUps[0].began.Add(patience) == now:
				c := giveUps[0]
				giveUps = giveUps[1:]
				c.gaveUp = true
				perSecond.late++
				l.Observe(c.began, now, underWay, true)
				underWay--
			case len(busy) > 0 && busy[0].ends == now:
				c := busy[0]
				busy = slices.Delete(busy, 0, 1)
				if c.gaveUp {
					continue
				}
				c.served = true
				perSecond.served++
				perSecond.durations = append(perSecond.durations, now.Sub(c.began))
				l.Observe(c.began, now, underWay, false)
				underWay--
			case next == now:
				next = now.Add(time.Duration(r.ExpFloat64() / p.calls * 1e9))
				c := &call{began: now, work: time.Duration(r.ExpFloat64() * float64(p.work))}
				if underWay >= l.Now() {
					perSecond.refused++
					continue
				}
				underWay++
				giveUps = append(giveUps, c)
				queue = append(queue, c)
			default:
				perSecond.limit = float64(l.Now())
				if d := perSecond.durations; len(d) > 0 {
					slices.Sort(d)
					perSecond.latency, perSecond.slowest = d[len(d)/2], d[len(d)*99/100]
				}
				all = append(all, perSecond)
				perSecond = second{at: perSecond.at + time.Second}
			}
		}
		elapsed += p.lasts
	}
	return all
}
