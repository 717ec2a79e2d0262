package bulkhead_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/bulkhead"
	"github.com/cladgo/clad/internal/clock"
)

const forever clock.Nanos = math.MaxInt64

// state is what has become of a guest.
type state string

const (
	isWaiting state = "waiting"
	isIn      state = "in"
	refused   state = "refused"
	cancelled state = "cancelled"
	gone      state = "gone"
)

// guest is one who wants a permit.
type guest struct {
	sheddable bool
	cancel    context.CancelFunc
	until     time.Time // when its patience ends
	model     state     // what should be, and
	real      state     // what is
}

// model is a bulkhead in the plainest way: a number and a list.
type model struct {
	bulkhead.Settings
	in    int
	queue []*guest
}

func (m *model) fits(g *guest) bool {
	free := m.Limit - m.in
	if g.sheddable {
		free -= m.Reserve
	}
	return free > 0
}

func (m *model) arrives(g *guest) {
	before := slices.ContainsFunc(m.queue, func(other *guest) bool { return g.sheddable || !other.sheddable })
	switch {
	case !before && m.fits(g):
		g.model = isIn
		m.in++
	case m.MaxWait == 0:
		g.model = refused
	default:
		g.model, g.until = isWaiting, time.Now().Add(m.MaxWait)
		m.queue = append(m.queue, g)
	}
}

// admit lets those in whose turn it is.
func (m *model) admit() {
	for {
		next := slices.IndexFunc(m.queue, func(g *guest) bool { return !g.sheddable })
		if next < 0 && len(m.queue) > 0 {
			next = 0
		}
		if next < 0 || !m.fits(m.queue[next]) {
			return
		}
		m.queue[next].model = isIn
		m.in++
		m.queue = slices.Delete(m.queue, next, next+1)
	}
}

func (m *model) leaves(g *guest, as state) {
	g.model = as
	m.queue = slices.DeleteFunc(m.queue, func(other *guest) bool { return other == g })
	m.admit()
}

// Whoever comes, gives back, gives up or loses patience when, and whatever the
// settings become meanwhile: those are in who are in the model.
func TestBulkheadEqualsAModel(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			settings := func() bulkhead.Settings {
				s := bulkhead.Settings{Limit: 1 + r.IntN(6)}
				if r.IntN(2) == 0 {
					s.Reserve = r.IntN(s.Limit)
				}
				if r.IntN(3) > 0 {
					s.MaxWait = time.Duration(1 + r.IntN(int(5*time.Second)))
				}
				return s
			}
			m := &model{Settings: settings()}
			b := &bulkhead.Bulkhead{}
			b.Configure(m.Settings)
			var guests []*guest
			pick := func(s state) *guest {
				of := slices.DeleteFunc(slices.Clone(guests), func(g *guest) bool { return g.model != s })
				if len(of) == 0 {
					return nil
				}
				return of[r.IntN(len(of))]
			}
			for step := range 200 {
				switch dice := r.IntN(100); {
				case dice < 45:
					g := &guest{sheddable: r.IntN(2) == 0}
					var ctx context.Context
					ctx, g.cancel = context.WithCancel(t.Context())
					m.arrives(g)
					guests = append(guests, g)
					g.real = isWaiting
					go func() { g.real = arrive(ctx, b, g.sheddable) }()
				case dice < 75:
					if g := pick(isIn); g != nil {
						b.Release()
						g.real = gone
						m.in--
						m.leaves(g, gone)
					}
				case dice < 85:
					if g := pick(isWaiting); g != nil {
						g.cancel()
						m.leaves(g, cancelled)
					}
				case dice < 88:
					m.Settings = settings()
					b.Configure(m.Settings)
					m.admit()
				default:
					time.Sleep(time.Duration(r.IntN(int(4 * time.Second))))
					for _, g := range slices.Clone(m.queue) {
						if g.until.Before(time.Now()) {
							m.leaves(g, refused)
						}
					}
				}
				synctest.Wait()
				for n, g := range guests {
					if g.real != g.model {
						t.Fatalf("seed %d, step %d: guest %d is %s, want %s of %+v", seed, step, n, g.real, g.model, m.Settings)
					}
				}
				if got, want := b.Status(), (bulkhead.Status{InUse: m.in, Waiting: len(m.queue)}); got != want {
					t.Fatalf("seed %d, step %d: %+v, want %+v", seed, step, got, want)
				}
			}
			for _, g := range guests {
				g.cancel()
			}
		})
	}
}

// arrive is how a layer asks for a permit.
func arrive(ctx context.Context, b *bulkhead.Bulkhead, sheddable bool) state {
	if b.TakeSpare() || b.Take(sheddable) {
		return isIn
	}
	ok, err := b.Wait(ctx, clock.Now(), forever, sheddable)
	switch {
	case ok && err == nil:
		return isIn
	case !ok && errors.Is(err, context.Canceled):
		return cancelled
	case !ok && err == nil:
		b.Refuse(clock.Now())
		return refused
	}
	return state(fmt.Sprintf("%v and %v", ok, err))
}
