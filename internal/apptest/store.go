package apptest

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/cladgo/clad/container"
)

// ThreeInstances is a store that knows of three instances, until it is away.
type ThreeInstances struct{ Away atomic.Bool }

var errAway = errors.New("connection refused")

// Lease grants all that is asked for.
func (s *ThreeInstances) Lease(_ context.Context, _ string, r container.LeaseRequest) (container.LeaseGrant, error) {
	if s.Away.Load() {
		return container.LeaseGrant{}, errAway
	}
	return container.LeaseGrant{Tokens: r.Want, Fleet: 3, Epoch: 1}, nil
}

// Report finds everything well.
func (s *ThreeInstances) Report(context.Context, string, container.BreakerReport) (container.BreakerNews, error) {
	if s.Away.Load() {
		return container.BreakerNews{}, errAway
	}
	return container.BreakerNews{Fleet: 3}, nil
}

// Watch hears nothing.
func (s *ThreeInstances) Watch(ctx context.Context, ready func(), _ func(string, container.BreakerNews, error)) error {
	ready()
	<-ctx.Done()
	return ctx.Err()
}
