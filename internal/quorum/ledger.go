// Package quorum is what a store keeps of a circuit breaker that many instances
// share: who says that the dependency is down, since when the fleet says so, and who
// may probe it. It is what the scripts of stores are held to.
package quorum

import (
	"maps"
	"time"
)

const (
	// Window is for how long it counts, at least, that an instance found the
	// dependency down.
	Window = 10 * time.Second
	// Forgotten is how long after it could be probed the fleet's word is forgotten,
	// where nobody does.
	Forgotten = time.Minute
	// Longest is the longest time for which an opening or a probe is booked, and by
	// which a store's clock may be set back before that is as if it had lost its data.
	Longest = 24 * time.Hour
)

// What an instance reports.
const (
	Ask       = "ask"       // nothing: it wants to know
	Tripped   = "tripped"   // its breaker has opened
	Recovered = "recovered" // its breaker has closed, by probes of its own, in Round if that is open
	Probe     = "probe"     // it wants to probe
	Succeeded = "succeeded" // a probe has
	Failed    = "failed"    // a probe has
	Dropped   = "dropped"   // a probe said nothing
)

// Report is what an instance tells.
type Report struct {
	Instance string
	What     string
	// Quorum is how many must say the same, and Probes how many probes there are to
	// be; those of the largest quorum, and of whoever opens, are in force.
	Quorum, Probes int64
	// For is how long the breaker is to be open: of Tripped and Failed.
	For time.Duration
	// Round is that in which it probes, and Place what it calls the probe.
	Round        int64
	Place        string
	ProbeTimeout time.Duration
}

// News is what the fleet says.
type News struct {
	// Round numbers the fleet's openings, ever higher; 0 where nothing is known.
	Round int64
	Open  bool
	For   time.Duration // until it is probed; not above 0 where it is
	Place bool          // the probe that was asked for may be made
	Down  int64         // instances that say that it is down
	Fleet int64         // instances that listen
}

// Ledger is what is known of one breaker. The zero value is one that nobody knows.
type Ledger struct {
	round      int64
	open       bool
	until      time.Duration
	quorum     int64
	probes     int64
	good, bad  int64
	down       map[string]time.Duration // up to when it counts
	places     map[string]time.Duration // up to when a probe may take
	quorums    map[string]int64
	forgetting time.Duration
	last       time.Duration // when it was last asked
}

// Serve books a report at a time by the store's clock, which may go back, with so many
// instances listening. It returns whether all of them are to be told.
func (l *Ledger) Serve(r Report, at time.Duration, fleet int64) (n News, tell bool) {
	r.For, r.ProbeTimeout = min(r.For, Longest), min(r.ProbeTimeout, Longest)
	l.setBack(l.last - at)
	if at >= l.forgetting {
		*l = Ledger{down: map[string]time.Duration{}, places: map[string]time.Duration{}, quorums: map[string]int64{}}
	}
	maps.DeleteFunc(l.down, func(_ string, until time.Duration) bool { return until <= at })
	maps.DeleteFunc(l.places, func(_ string, until time.Duration) bool { return until <= at })
	l.last = at
	_, mine := l.places[r.Place]
	current := l.open && r.Round == l.round
	switch r.What {
	case Tripped:
		l.down[r.Instance] = at + max(Window, 2*r.For)
		l.quorums[r.Instance] = r.Quorum
		l.forgetting = max(l.forgetting, l.down[r.Instance])
		if !l.open {
			quorum := int64(0)
			for who := range l.down {
				quorum = max(quorum, l.quorums[who])
			}
			if int64(len(l.down)) >= min(quorum, max(fleet, 1)) {
				l.quorum, l.probes = quorum, r.Probes
				l.begin(r.For, at)
				tell = true
			}
		}
	case Recovered:
		delete(l.down, r.Instance)
		if current {
			l.close()
			tell = true
		}
	case Probe:
		if current && at >= l.until && (mine || l.good+l.bad+int64(len(l.places)) < l.probes) {
			l.places[r.Place] = at + r.ProbeTimeout
			l.forgetting = max(l.forgetting, at+r.ProbeTimeout+Forgotten)
			n.Place = true
		}
	case Succeeded, Failed, Dropped:
		if !current || !mine {
			break
		}
		delete(l.places, r.Place)
		switch r.What {
		case Succeeded:
			l.good++
		case Failed:
			l.bad++
		}
		if l.bad >= min(l.quorum, l.probes, max(fleet, 1)) {
			l.begin(r.For, at)
			tell = true
		} else if l.good+l.bad >= l.probes {
			l.close()
			tell = true
		}
	}
	n.Round, n.Open, n.Down, n.Fleet = l.round, l.open, int64(len(l.down)), fleet
	if l.open {
		n.For = l.until - at
	}
	return n, tell
}

// setBack follows a clock that was set back since something was booked by it: what is
// to come stays as far away as it was then.
func (l *Ledger) setBack(by time.Duration) {
	if by <= 0 {
		return
	}
	if by > Longest {
		*l = Ledger{}
		return
	}
	l.until, l.forgetting, l.last = l.until-by, l.forgetting-by, l.last-by
	for _, times := range []map[string]time.Duration{l.down, l.places} {
		for who := range times {
			times[who] -= by
		}
	}
}

func (l *Ledger) close() {
	l.open = false
	clear(l.down)
	clear(l.places)
}

// begin opens, for a while.
func (l *Ledger) begin(open, at time.Duration) {
	l.round = max(at.Microseconds(), l.round+1)
	l.open, l.until, l.good, l.bad = true, at+open, 0, 0
	clear(l.places)
	l.forgetting = max(l.forgetting, l.until+Forgotten)
}
