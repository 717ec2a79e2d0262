package container

import (
	"context"
	"time"
)

// Store is where the instances of a fleet keep what they share: see [WithStore].
// Package container/cladredis has one. Its methods are called by many goroutines, and
// must return when their context ends, which is soon.
type Store interface {
	// Lease answers a request for tokens of a limit, in one step by the store's own
	// clock. An error that is marked as an answer ([policy.Answer]) concerns the limit
	// alone; any other says that the store is not well.
	Lease(ctx context.Context, limit string, r LeaseRequest) (LeaseGrant, error)
	// Report books what an instance knows of a circuit breaker, in one step likewise,
	// and has all who watch told of what changes for them.
	Report(ctx context.Context, breaker string, r BreakerReport) (BreakerNews, error)
	// Watch calls heard with all that the fleet is told of breakers, or with why that
	// can't be understood, until ctx ends or it can no longer; and ready whenever it has
	// begun to hear.
	Watch(ctx context.Context, ready func(), heard func(breaker string, n BreakerNews, err error)) error
}

// BreakerReport is what an instance tells of a circuit breaker.
type BreakerReport struct {
	Instance string
	// What is "ask" for nothing new; "tripped" when the instance's breaker has opened,
	// and "recovered" when it has closed by itself, which ends the opening of Round;
	// "probe" when it wants to make one,
	// and "succeeded", "failed" or "dropped" for what became of that.
	What string
	// Quorum is how many instances must say the same, or all there are. Where they
	// differ the largest is in force.
	Quorum int64
	// Probes is how many are sent before the fleet decides, of whoever opens it.
	Probes int64
	// For is how long it is to be open, with "tripped" and "failed".
	For time.Duration
	// Round is that in which it probes, Place the probe's name, unlike any other's,
	// and ProbeTimeout how long it may take.
	Round        int64
	Place        string
	ProbeTimeout time.Duration
}

// BreakerNews is what the fleet says of a circuit breaker.
type BreakerNews struct {
	// Round numbers its openings, ever higher, also when the store has lost what it
	// knew; 0 where nothing is known of it. The clock's microseconds since 1970 will
	// do: a number that is more than a day after these is refused.
	Round int64
	Open  bool
	// For is the time until it is probed; 0 or less where it is. An instance's breaker
	// is never open for longer than by its own settings.
	For time.Duration
	// Place says that the probe that was asked for may be made.
	Place bool
	// Down is how many instances find the dependency down, and Fleet how many watch.
	Down, Fleet int64
}

// LeaseRequest is what an instance asks of a store for one limit. The limit begins
// with Fresh tokens where the store knows nothing of it, and what it holds is never
// more than Burst.
type LeaseRequest struct {
	// Instance is unlike any other's; Sequence numbers its requests for the limit,
	// from 1.
	Instance string
	Sequence uint64
	// PerSecond and Burst are the limit as the instance knows it. Where instances
	// differ, as they do while other settings are rolled out, the lowest of this epoch
	// and of the last one are in force.
	PerSecond, Burst float64
	// Want is how many tokens it asks for. Return is how many it gives back: not to
	// be counted again if the same request comes again. Spent is how many it has used
	// without asking, since the store was slow.
	Want, Return, Spent int64
	// Fresh is how many tokens there are where the store knows nothing of the limit,
	// which may be because it was lost.
	Fresh float64
	// Most, unless it is below 0, is how many there may be at most: calls went on
	// while this instance was without the store.
	Most float64
	// Epoch is the last one in which the store has counted the instance.
	Epoch int64
}

// LeaseGrant is a store's answer to a [LeaseRequest].
type LeaseGrant struct {
	// Tokens are the instance's to use or to give back, Want at most.
	Tokens int64
	// Wait is when the next one comes, where there were fewer than wanted.
	Wait time.Duration
	// Fleet is how many instances have asked in this epoch or, if that is more, in
	// the last one.
	Fleet int
	// Epoch numbers the stretches of [StoreEpoch] by the store's clock.
	Epoch int64
	// Young says that the store has not known the limit for two epochs: it may not
	// know all of the fleet.
	Young bool
}

// StoreEpoch is for how long a store remembers who takes part in a limit: so long,
// and up to as long again.
const StoreEpoch = 5 * time.Second

// WithStore has shared breakers and limiters share what they know with all other
// instances that use the same store. Without the store, and when it is away, slow or
// broken, calls go on with what the instance knows by itself: no call waits longer
// than 5ms for the store, and none fails because of it.
//
// The store has a breaker of its own, "clad.store", whose changes are events, logged
// and measured as of any other.
func WithStore(s Store) Option {
	return optionFunc(func(o *options) { o.store = s })
}

// WithFleet says how many instances there are, which a shared limit goes by until
// the store has said how many ask it. Otherwise an instance that has never reached
// the store takes itself for the only one.
func WithFleet(instances int) Option {
	return optionFunc(func(o *options) { o.fleet = instances })
}
