package container

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/quorum"
	"github.com/cladgo/clad/policy"
)

// Who can write to the store can say anything. So nothing that is heard keeps a
// breaker open for longer than it could be by itself, or keeps it from hearing what
// comes after.

const (
	farRound = 24 * time.Hour // by which a store's clock may be ahead
	drift    = time.Second    // by which it may be slow in one opening
)

// check says why news cannot be.
func (n BreakerNews) check() error {
	switch latest := time.Now().Add(farRound).UnixMicro(); {
	case n.Round < 0, n.Down < 0, n.Fleet < 0, n.Open && n.Round == 0:
	case n.Round > latest:
		return fmt.Errorf("the store numbers an opening %d, which is after %d, in a day by this instance's clock", n.Round, latest)
	default:
		return nil
	}
	return fmt.Errorf("the store says what cannot be: %+v", n)
}

// longest is how long the breaker could be open by its own settings.
func (f *follower) longest() time.Duration {
	spec := f.breaker.spec.load()
	d := max(spec.RecoveryTimeout, spec.MaxRecovery)
	return time.Duration(min(float64(d)*(1+spec.RecoveryJitter), math.MaxInt64/4))
}

// hearOrLog is hear for what nobody has asked for.
func (f *follower) hearOrLog(n BreakerNews, err error) {
	if err == nil {
		err = n.check()
	}
	if err == nil {
		f.hear(n)
		return
	}
	now := clock.Now()
	f.mu.Lock()
	again := f.misheard != 0 && now.Sub(f.misheard) < time.Minute
	if !again {
		f.misheard = now
	}
	f.mu.Unlock()
	if !again {
		f.sharing.logMisheard(f.breaker.Name(), err)
	}
}

// logMisheard warns of what came and cannot be, which is passed over.
func (s *sharing) logMisheard(name string, err error) {
	s.events.write(s.ctx, slog.LevelWarn, "what the store says of a circuit breaker is passed over",
		slog.String("breaker", name), slog.Any("error", err))
}

// hear follows what the fleet says.
func (f *follower) hear(n BreakerNews) {
	now, longest := clock.Now(), f.longest()
	f.mu.Lock()
	// A lower round is of the past, unless that is long ago: a store that has lost what
	// it knew, and whose clock was set back, begins again below.
	newer := n.Round > f.round || n.Round < f.round && now.Sub(f.since) > longest+quorum.Forgotten
	var follow func()
	switch {
	case n.Open && newer:
		f.round, f.since, f.joined, f.left, f.failed, f.places = n.Round, now, true, false, false, nil
		follow = func() { f.breaker.circuit.Open(min(max(n.For, 1), longest)) }
	case !n.Open && n.Round >= f.round && f.joined:
		f.round, f.since, f.joined, f.left, f.reported, f.places = n.Round, now, false, false, false, nil
		if !f.failed { // else it goes on by itself, as the dependency is down for it alone
			follow = f.breaker.circuit.Close
		}
	}
	f.noPlace = 0
	f.knows.Instances, f.knows.Heard = int(max(n.Fleet, 1)), time.Now()
	f.mu.Unlock()
	if follow == nil {
		return
	}
	follow()
	state := policy.StateClosed
	if n.Open {
		state = policy.StateOpen
	}
	f.sharing.tell(Followed{f.breaker.Name(), state, int(n.Down), int(n.Fleet)})
}
