package lease

import (
	"math"
	"time"
)

// Epoch is for how long a store counts who takes part, before it begins anew: what
// it knows of the fleet is of this epoch and of the last one.
const Epoch = 5 * time.Second

// Request is what an instance asks of a store, for one limit.
type Request struct {
	Instance string
	// Sequence numbers the instance's requests for the limit, from 1.
	Sequence uint64
	// PerSecond and Burst are the limit as the instance knows it. Where instances
	// differ, the lowest of the last two epochs is in force.
	PerSecond, Burst float64
	// Want is how many tokens it asks for; Return, how many it gives back unused;
	// Spent, how many it has used without asking, as the store was slow.
	Want, Return, Spent int64
	// Fresh is how many tokens there may be at most where the store knows nothing
	// of the limit: it may have lost what it knew.
	Fresh float64
	// Most is how many there may be at most where the instance has been without the
	// store, and calls went on; below 0 where it has not.
	Most float64
	// Epoch is the last one in which the store has counted the instance.
	Epoch int64
}

// Grant is a store's answer.
type Grant struct {
	Tokens int64
	// Wait is when the next token comes, where there were fewer than wanted.
	Wait time.Duration
	// Fleet is how many instances have asked in this epoch or in the last one.
	Fleet int
	Epoch int64
	// Young says that the store has not known the limit for two epochs: it may not
	// know all of the fleet.
	Young bool
}

// Ledger is what a store keeps of one limit, and its arithmetic: what the scripts of
// stores are held to. The zero value is a limit that nobody knows.
type Ledger struct {
	known        bool
	tokens       float64
	at           time.Duration // when they were counted, by the store's clock
	born, epoch  int64
	now, before  int64 // instances that asked in this epoch, and in the one before
	rate, burst  [2]float64
	returned     map[string]uint64 // the last request of each that gave something back
	returnedLast map[string]uint64 // likewise, in the epoch before
}

// Serve answers a request at a time by the store's clock, which may go back.
func (l *Ledger) Serve(r Request, at time.Duration) Grant {
	epoch := int64(at / Epoch)
	if !l.known {
		*l = Ledger{known: true, tokens: r.Fresh, at: at, born: epoch, epoch: epoch,
			rate: [2]float64{math.Inf(1), math.Inf(1)}, burst: [2]float64{math.Inf(1), math.Inf(1)}}
	}
	l.turn(epoch)
	if r.Epoch != epoch {
		l.now++
	}
	l.rate[0], l.burst[0] = min(l.rate[0], r.PerSecond), min(l.burst[0], r.Burst)
	rate, burst := min(l.rate[0], l.rate[1]), min(l.burst[0], l.burst[1])

	l.tokens = min(burst, l.tokens+rate*max(at-l.at, 0).Seconds())
	l.at = at
	if r.Most >= 0 {
		l.tokens = min(l.tokens, r.Most)
	}
	if r.Return > 0 && l.first(r) {
		l.tokens = min(burst, l.tokens+float64(r.Return))
	}
	l.tokens = max(l.tokens-float64(r.Spent), -burst)

	g := Grant{Fleet: int(max(l.now, l.before)), Epoch: epoch, Young: epoch-l.born < 2}
	if l.tokens >= 1 {
		g.Tokens = min(r.Want, int64(l.tokens))
		l.tokens -= float64(g.Tokens)
	}
	if g.Tokens < r.Want {
		g.Wait = time.Duration(min(math.Ceil((1-l.tokens)/rate*1e6), 1e12)) * time.Microsecond
	}
	return g
}

// turn begins another epoch, where it is another.
func (l *Ledger) turn(epoch int64) {
	if epoch == l.epoch {
		return
	}
	none := math.Inf(1)
	if epoch == l.epoch+1 {
		l.before, l.rate[1], l.burst[1], l.returnedLast = l.now, l.rate[0], l.burst[0], l.returned
	} else {
		l.before, l.rate[1], l.burst[1], l.returnedLast = 0, none, none, nil
	}
	l.now, l.rate[0], l.burst[0], l.returned, l.epoch = 0, none, none, nil, epoch
	l.born = min(l.born, epoch)
}

// first reports whether what a request gives back was not given back before: a
// client may send it again when it lost the answer.
func (l *Ledger) first(r Request) bool {
	if max(l.returned[r.Instance], l.returnedLast[r.Instance]) >= r.Sequence {
		return false
	}
	if l.returned == nil {
		l.returned = make(map[string]uint64)
	}
	l.returned[r.Instance] = r.Sequence
	return true
}
