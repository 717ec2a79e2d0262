package cladotel_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladotel"
	"github.com/cladgo/clad/policy"
	sdk "go.opentelemetry.io/otel/sdk/metric"
)

// finder has a method that may be attempted twice at once.
type finder interface {
	Find(ctx context.Context) error
}

type finderProxy struct {
	next finder
	find *container.Pipeline
}

func (p *finderProxy) Find(ctx context.Context) (err error) {
	call := p.find.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		if h := call.Hedge(); h != nil {
			_, err = container.Hedged(h, func(ctx context.Context) (struct{}, error) { return struct{}{}, p.next.Find(ctx) })
			continue
		}
		err = p.next.Find(call.Context())
	}
	return err
}

func init() {
	container.RegisterProxy(func(next finder, m container.Methods) finder { return &finderProxy{next, m.Hedges("Find")} })
}

// slow takes so long at its attempts, one after the other.
type slow struct {
	mu   sync.Mutex
	took []time.Duration
}

func (s *slow) Find(ctx context.Context) error {
	s.mu.Lock()
	d := s.took[0]
	s.took = s.took[1:]
	s.mu.Unlock()
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Whether hedges help was not to be seen: those that won were counted with the others.
func TestHedgesThatWonAreToldFromThoseThatLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdk.NewManualReader()
		box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Hedge{Delay: time.Second, Budget: 1}}},
			cladotel.Observe(cladotel.WithMeterProvider(sdk.NewMeterProvider(sdk.WithReader(reader)))))
		if err != nil {
			t.Fatal(err)
		}
		o := &observed{box.Orchestrator(), t, reader}
		defer o.Close()
		took := &slow{took: []time.Duration{time.Minute, 0, 0, 2 * time.Second, time.Minute, time.Minute, 0}}
		if err := box.Provide(container.Tag(func() finder { return took }, "p")); err != nil {
			t.Fatal(err)
		}
		err = box.Invoke(func(f finder) error {
			for range 4 { // the hedge wins, there is none, it loses, it wins
				if err := f.Find(t.Context()); err != nil {
					return err
				}
				synctest.Wait()
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		const id = "cladotel_test.finder.Find"
		o.want("clad.hedges", map[string]float64{id + ",won": 2, id + ",lost": 1})
	})
}
