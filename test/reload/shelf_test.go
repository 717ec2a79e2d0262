package reload_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/dig"
)

// shelf is a dependency, one for each policy.
type shelf interface {
	Find(ctx context.Context, key string) (string, error)
	Do(ctx context.Context, work func(context.Context) error) error
}

type shelfProxy struct {
	next     shelf
	find, do *container.Pipeline
}

func init() {
	container.RegisterProxy(func(next shelf, m container.Methods) shelf {
		return &shelfProxy{next, m.Hedges("Find"), m.Safe("Do")}
	})
}

func (p *shelfProxy) Find(ctx context.Context, key string) (found string, err error) {
	call := p.find.Begin(ctx)
	defer call.End()
	if call.Keeps() {
		call.Key(key)
	}
	for call.Next(&err) {
		if h := call.Hedge(); h != nil {
			found, err = container.Hedged(h, func(ctx context.Context) (string, error) { return p.next.Find(ctx, key) })
			continue
		}
		found, err = p.next.Find(call.Context(), key)
	}
	if err == nil && call.Keeps() {
		found = container.LastGood(&call, found)
	}
	return found, err
}

func (p *shelfProxy) Do(ctx context.Context, work func(context.Context) error) (err error) {
	call := p.do.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Do(call.Context(), work)
	}
	return err
}

// books finds what it is asked for after a while, or not.
type books struct {
	asked atomic.Int64
	hangs atomic.Int64 // the next so many
	down  atomic.Bool
}

func (b *books) Find(ctx context.Context, key string) (string, error) {
	b.asked.Add(1)
	took := 100 * time.Millisecond
	if b.hangs.Add(-1) >= 0 {
		took = time.Minute
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if b.down.Load() {
		return "", errDown
	}
	return "found " + key, nil
}

func (*books) Do(ctx context.Context, work func(context.Context) error) error { return work(ctx) }

var errDown = errors.New("down")

func fail(context.Context) error { return errDown }
func work(context.Context) error { return nil }

type tenantKey struct{}

func tenantOf(ctx context.Context) string {
	tenant, _ := ctx.Value(tenantKey{}).(string)
	return tenant
}

// world is an application under the profile in force.
type world struct {
	t                                     *testing.T
	o                                     *container.Orchestrator
	books                                 *books
	named                                 policy.Runner
	unnamed, retried, hedged, partitioned shelf
	release                               chan struct{}
	ended                                 chan error
}

// What is provided of each policy.
type (
	unnamed struct {
		dig.Out
		Shelf shelf `name:"unnamed"`
	}
	retried struct {
		dig.Out
		Shelf shelf `name:"retried"`
	}
	hedged struct {
		dig.Out
		Shelf shelf `name:"hedged"`
	}
	partitioned struct {
		dig.Out
		Shelf shelf `name:"partitioned"`
	}
)

const held = 2 // calls of each that are under way

func newWorld(t *testing.T) *world {
	t.Helper()
	box, err := container.New(catalog(t, inForce))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, o: box.Orchestrator(), books: &books{}, release: make(chan struct{}), ended: make(chan error, 10*held)}
	t.Cleanup(w.o.Close)
	for _, tag := range []any{
		container.Tag(func() unnamed { return unnamed{Shelf: w.books} }, "unnamed"),
		container.Tag(func() retried { return retried{Shelf: w.books} }, "retried"),
		container.Tag(func() hedged { return hedged{Shelf: w.books} }, "hedged"),
		container.Tag(func() partitioned { return partitioned{Shelf: w.books} }, "unnamed", container.Partition(tenantOf)),
	} {
		if err := box.Provide(tag); err != nil {
			t.Fatal(err)
		}
	}
	err = box.Invoke(func(in struct {
		dig.In
		Unnamed     shelf `name:"unnamed"`
		Retried     shelf `name:"retried"`
		Hedged      shelf `name:"hedged"`
		Partitioned shelf `name:"partitioned"`
	}) {
		w.unnamed, w.retried, w.hedged, w.partitioned = in.Unnamed, in.Retried, in.Hedged, in.Partitioned
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.named, err = w.o.Pipeline("named"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) hits() uint64 {
	return w.o.Metrics().Operations["reload_test.shelf[retried].Do"].RetryBudgetHits
}

// live gives every layer something to remember.
func (w *world) live() {
	ctx := w.t.Context()
	_, _ = w.hedged.Find(ctx, "other")
	for range 30 { // what answers take
		if _, err := w.hedged.Find(ctx, "key"); err != nil {
			w.t.Fatal(err)
		}
	}
	hold := func(ctx context.Context) error {
		select {
		case <-w.release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for range held {
		go func() { w.ended <- w.named.Run(ctx, hold) }()
		go func() { w.ended <- w.unnamed.Do(ctx, hold) }()
		go func() { w.ended <- w.hedged.Do(ctx, hold) }()
	}
	synctest.Wait()
	for range 100 { // until the budget is spent
		if w.hits() > 0 {
			break
		}
		_ = w.retried.Do(ctx, fail)
	}
	for range 3 { // of five that open a breaker
		_, _ = w.named.Run(ctx, fail), w.unnamed.Do(ctx, fail)
	}
	north := context.WithValue(ctx, tenantKey{}, "north")
	for range 5 {
		_ = w.partitioned.Do(north, fail)
	}
	forced, _ := w.o.CircuitBreaker("forced")
	forced.ForceOpen()
}

// state is what can be seen of it.
type state struct {
	breakers map[string]*container.CircuitBreaker
	tokens   map[string]float64
	most     map[string]float64 // that there can be
	inUse    map[string]int
	limit    int
}

func (w *world) state() state {
	s := state{map[string]*container.CircuitBreaker{}, map[string]float64{}, map[string]float64{}, map[string]int{}, 0}
	for _, b := range w.o.CircuitBreakers() {
		s.breakers[b.Name()] = b
	}
	for _, l := range w.o.RateLimiters() {
		s.tokens[l.Name()] = l.Tokens()
		s.most[l.Name()] = float64(max(l.Limit().Burst, l.Limit().RequestsPerPeriod))
	}
	for _, b := range w.o.Bulkheads() {
		s.inUse[b.Name()] = b.Status().InUse
		if _, adaptive := b.Adaptive(); adaptive {
			s.limit = b.Limit().MaxConcurrent
		}
	}
	return s
}

// goesOn looks by what calls meet whether anything was forgotten.
func (w *world) goesOn(c change) {
	ctx, t := w.t.Context(), w.t
	if forced, _ := w.o.CircuitBreaker("forced"); forced.Status().Mode != container.ModeForcedOpen {
		t.Error("the breaker is forced no longer")
	}
	before := w.hits()
	if _ = w.retried.Do(ctx, fail); w.hits() != before+1 {
		t.Error("the retry budget is whole again")
	}
	w.books.hangs.Store(1)
	began := time.Now()
	if found, err := w.hedged.Find(ctx, "key"); err != nil || found != "found key" || time.Since(began) > 2*time.Second {
		t.Errorf("%q after %v: %v; it would be hedged by what answers take", found, time.Since(began), err)
	}
	w.books.down.Store(true)
	if found, err := w.hedged.Find(ctx, "other"); err != nil || found != "found other" {
		t.Errorf("the old answer is lost: %q, %v", found, err)
	}
	north := context.WithValue(ctx, tenantKey{}, "north")
	if err := w.partitioned.Do(north, work); errors.Is(err, policy.ErrCircuitOpen) == slices.Contains(c.resets, partitions) {
		t.Errorf("%s, which was open: %v", partitions, err)
	}
	for what, do := range map[string]func(func(context.Context) error) error{
		namedBreaker:   func(f func(context.Context) error) error { return w.named.Run(ctx, f) },
		unnamedBreaker: func(f func(context.Context) error) error { return w.unnamed.Do(ctx, f) },
	} {
		for n := range 3 { // two more, and it is open
			if err := do(fail); errors.Is(err, policy.ErrCircuitOpen) != (n == 2 && !c.begins(what)) {
				t.Errorf("%s: %v after %d more failures", what, err, n)
			}
		}
	}
	close(w.release)
	for range 3 * held {
		if err := <-w.ended; err != nil {
			t.Errorf("a call that was under way ended with %v", err)
		}
	}
	synctest.Wait()
	for _, b := range w.o.Bulkheads() {
		if b.Status() != (container.BulkheadStatus{}) {
			t.Errorf("bulkhead %s, when all have left: %+v", b.Name(), b.Status())
		}
	}
}
