package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// SoakTrack is the heap while calls are made.
type SoakTrack struct {
	Calls      uint64   `json:"calls"`
	Heap       []uint64 `json:"heap"`       // bytes after a collection, at even distances
	Goroutines []int    `json:"goroutines"` // at the same moments
}

// Growth is how much the heap grew from the first moment to the last, in bytes.
func (t *SoakTrack) Growth() int64 { return int64(t.Heap[len(t.Heap)-1]) - int64(t.Heap[0]) }

// Soak makes calls on four goroutines, under all four policies, in every form:
// ones that succeed, ones that need a retry and ones that are refused. It reads
// the heap ten times on the way, first after a tenth of the calls.
func Soak(ctx context.Context, calls uint64, progress func(done uint64)) (*SoakTrack, error) {
	s := settings()
	s.Retry, s.RateLimit, s.Breaker, s.Timeout = true, true, true, true
	catalog := policy.Catalog{Policies: map[string]policy.Policy{
		policyName: s.Policy(),
	}}
	o, gateways, err := tagged(catalog, soaked{}, 1)
	if err != nil {
		return nil, err
	}
	runner, err := o.Pipeline(policyName)
	if err != nil {
		return nil, err
	}
	forms := []Gateway{
		gateways[0], gateways[0], gateways[0], gateways[0], gateways[0],
		doGateway{soaked{}, runner},
		executeGateway{o, &charge{soaked{}, s.Policy(), usualAmount}},
		freshGateway{o, &freshCharge{soaked{}, s, usualAmount}},
	}
	const moments, goroutines = 10, 4
	track := &SoakTrack{}
	for range moments {
		if err := soak(ctx, forms, calls/moments/goroutines, goroutines); err != nil {
			return nil, err
		}
		track.Calls += calls / moments / goroutines * goroutines
		track.Heap = append(track.Heap, heap())
		track.Goroutines = append(track.Goroutines, runtime.NumGoroutine())
		if progress != nil {
			progress(track.Calls)
		}
	}
	return track, booked(o, track.Calls)
}

func soak(ctx context.Context, forms []Gateway, calls uint64, goroutines int) error {
	var wg sync.WaitGroup
	errs := make([]error, goroutines)
	for g := range goroutines {
		wg.Go(func() {
			for i := range calls {
				amount := int(i % 1000)
				_, err := forms[i%uint64(len(forms))].Charge(ctx, amount)
				if (err != nil) != (amount == refused) {
					errs[g] = fmt.Errorf("call %d ended with %w", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// refused is an amount that soaked takes no money for.
const refused = 997

// soaked succeeds, but for a refusal now and then, and shows now and then that
// it waits for its deadline.
type soaked struct{}

func (soaked) Charge(ctx context.Context, amount int) (int, error) {
	switch amount {
	case refused:
		return 0, policy.Permanent(errTarget)
	case 499:
		select {
		case <-ctx.Done(): // arms the deadline
			return 0, ctx.Err()
		default:
		}
	}
	return amount, nil
}

// booked shows that every call is in the orchestrator's books.
func booked(o *container.Orchestrator, calls uint64) error {
	if m := o.Metrics(); m.TotalOperations != calls {
		return fmt.Errorf("%d calls were made, clad counted %d operations", calls, m.TotalOperations)
	}
	return nil
}
