package cladredis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/redis/go-redis/v9"
)

// message is what the fleet is told. What is not known in it is passed over.
type message struct {
	Breaker string `json:"breaker"`
	Round   int64  `json:"round,string"`
	Open    bool   `json:"open"`
	For     int64  `json:"for,string"` // microseconds
	Down    int64  `json:"down"`
	Fleet   int64  `json:"fleet"`
}

// signOfLife is how often a subscription's connection is asked for one.
const signOfLife = 3 * time.Second

var errSilent = errors.New("the subscription's connection shows no sign of life")

// Watch implements [container.Store]: one subscription, whose connection is asked
// for a sign of life every three seconds. It returns when that is lost. Whoever
// subscribes says which version of the format it keeps.
func (s *Store) Watch(ctx context.Context, ready func(), heard func(string, container.BreakerNews, error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	sub := s.client.Subscribe(ctx, s.channel(), s.versions())
	var alive atomic.Bool
	alive.Store(true)
	begun := make(chan struct{}, 1)
	var pings sync.WaitGroup
	pings.Go(func() {
		tick := time.NewTicker(signOfLife)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				_ = sub.Close() // or nothing ends what is received
				return
			case <-begun:
				_ = s.client.Publish(ctx, s.versions(), version).Err() // who does not hear it misses a warning
				continue
			case <-tick.C:
			}
			if !alive.Swap(false) {
				cancel(errSilent)
			} else if err := sub.Ping(ctx); err != nil {
				cancel(err)
			}
		}
	})
	defer pings.Wait()
	defer cancel(nil)
	for {
		got, err := sub.Receive(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		}
		alive.Store(true)
		switch got := got.(type) {
		case *redis.Subscription:
			if got.Channel == s.channel() {
				ready()
			} else {
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		case *redis.Message:
			if got.Channel != s.channel() {
				if got.Payload != version && !s.mixed.Swap(true) {
					heard("", container.BreakerNews{}, fmt.Errorf("instances that keep version %.10q of the store's format use it as well, and this one keeps %q: they share nothing with each other", got.Payload, version))
				}
				continue
			}
			var m message
			if err := json.Unmarshal([]byte(got.Payload), &m); err != nil {
				heard(m.Breaker, container.BreakerNews{}, fmt.Errorf("a message on channel %q: %w", s.channel(), err))
				continue
			}
			heard(m.Breaker, container.BreakerNews{
				Round: m.Round, Open: m.Open, For: microseconds(m.For), Down: m.Down, Fleet: m.Fleet,
			}, nil)
		}
	}
}
