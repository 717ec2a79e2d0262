package container

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/lease"
	"github.com/cladgo/clad/policy"
)

// sharing is an orchestrator's part in what a fleet shares.
type sharing struct {
	store     Store
	instance  string
	fleet     int
	events    *events
	breaker   *CircuitBreaker // in front of the store
	places    chan struct{}   // of those who may ask at once
	ctx       context.Context // ends when the orchestrator is closed
	cancel    context.CancelFunc
	asking    sync.WaitGroup
	mu        sync.Mutex
	closed    bool // nobody begins to ask any more
	followers map[string]*follower
	watching  bool
	listening bool // the fleet's news come
	watch     sync.WaitGroup
	mender    *time.Timer // nil when none of the followers is alone
}

const (
	storeBreaker = "clad.store"
	storeTimeout = 100 * time.Millisecond // of one question
	storePlaces  = 64
	maxFleet     = 1_000_000              // instances
	watchAgain   = 500 * time.Millisecond // after it was lost
	mendAgain    = time.Second            // between questions of breakers that are alone
)

// aStore is how the store is guarded. It is asked again soon: what is lost
// meanwhile is not calls, but what they know of each other.
var aStore = policy.CircuitBreaker{
	FailureThreshold: 3, RecoveryTimeout: 100 * time.Millisecond, MaxRecovery: time.Second,
	SuccessThreshold: 1, ProbeTimeout: time.Second,
}

func newSharing(settings options) *sharing {
	if settings.store == nil {
		return nil
	}
	s := &sharing{
		store: settings.store, fleet: settings.fleet, instance: rand.Text(),
		events: settings.events, places: make(chan struct{}, storePlaces), followers: make(map[string]*follower),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// register makes the store's own breaker known.
func (s *sharing) register(tx *transaction) error {
	if s == nil {
		return nil
	}
	if err := tx.register(storeBreaker, aStore); err != nil {
		return err
	}
	s.breaker = tx.o.breakers.known[storeBreaker]
	return nil
}

var errStoreBreaker = errors.New("the store's circuit breaker is open")

// ask puts a question to the store, if its breaker lets it pass.
func (s *sharing) ask(question func(context.Context) error) error {
	b := &s.breaker.circuit
	permit, ok := b.Closed()
	if !ok {
		if permit, _, ok = b.Admit(clock.Now(), 0); !ok {
			return errStoreBreaker
		}
	}
	outcome := circuit.Failure
	defer func() { b.Report(permit, outcome) }()
	ctx, cancel := context.WithTimeout(s.ctx, storeTimeout)
	defer cancel()
	err := safeQuestion(ctx, question)
	switch {
	case err == nil || policy.IsAnswer(err):
		outcome = circuit.Success
	case s.ctx.Err() != nil:
		outcome = circuit.Neutral
	}
	return err
}

// safeQuestion keeps a store that panics from ending the process.
func safeQuestion(ctx context.Context, question func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the store panicked: %v", r)
		}
	}()
	return question(ctx)
}

// begin has work done in the background, or reports that there is to be no more.
func (s *sharing) begin(work func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.asking.Go(func() {
		s.places <- struct{}{}
		defer func() { <-s.places }()
		work()
	})
	return true
}

// share makes a limiter the fleet's.
func (l *RateLimiter) share(spec policy.RateLimit) {
	a := l.account.Load()
	if a == nil {
		a = &lease.Account{Instance: l.sharing.instance}
		a.Ask = func(r lease.Request) { l.sharing.lease(l.Name(), a, r) }
	}
	a.Configure(lease.Settings{
		PerSecond: spec.RequestsPerSecond, Burst: spec.Burst, MaxWait: spec.MaxWait,
		Exact: spec.Exact, Fleet: l.sharing.fleet,
	})
	l.account.Store(a)
}

// lease has the store asked for tokens.
func (s *sharing) lease(name string, a *lease.Account, r lease.Request) {
	failed := func(err error) {
		if a.Fail() {
			s.tell(Alone{name, err})
		}
	}
	if s.breaker.circuit.State() == circuit.Open { // no goroutine is needed to learn that
		failed(errStoreBreaker)
		return
	}
	if !s.begin(func() {
		var g LeaseGrant
		if err := s.ask(func(ctx context.Context) (err error) {
			g, err = s.store.Lease(ctx, name, LeaseRequest(r))
			return err
		}); err != nil {
			failed(err)
			return
		}
		if g.Tokens < 0 || g.Tokens > r.Want || g.Fleet < 0 || g.Fleet > maxFleet || g.Wait < 0 {
			failed(fmt.Errorf("the store answered what cannot be: %+v", g))
			return
		}
		if a.Answer(lease.Grant(g)) {
			s.tell(Rejoined{name})
		}
	}) {
		a.Fail()
	}
}

// leave gives back what a limiter holds that is shared no longer.
func (s *sharing) leave(name string, a *lease.Account) {
	if r, ok := a.Close(); ok {
		s.begin(func() {
			_ = s.ask(func(ctx context.Context) error {
				_, err := s.store.Lease(ctx, name, LeaseRequest(r))
				return err
			})
		})
	}
}

func (s *sharing) tell(event Event) {
	if s.events.wanted(s.ctx) {
		s.events.tell(context.WithoutCancel(s.ctx), event)
	}
}

// close gives back what all hold, and waits until that is done.
func (s *sharing) close(limiters []*RateLimiter) {
	if s == nil {
		return
	}
	for _, l := range limiters {
		if a := l.account.Load(); a != nil {
			s.leave(l.Name(), a)
		}
	}
	s.mu.Lock()
	s.closed = true
	if s.mender != nil {
		s.mender.Stop()
	}
	s.mu.Unlock()
	s.asking.Wait()
	s.cancel()
	s.watch.Wait()
}

// Sharing is what an instance knows of what it shares.
type Sharing struct {
	// Alone says that the store is away, or does not do what it should: the instance
	// goes by what it knows itself.
	Alone bool
	// Instances is how many use it, as far as is known, this one included.
	Instances int
	// Heard is when the store last answered, or told something; zero where it never
	// did. It is asked nothing while a limiter is not used, and while a breaker is
	// closed.
	Heard time.Time
	// Listening says that a breaker would hear of what others find, so that a Heard
	// of long ago is no news rather than stale. Limiters do not listen.
	Listening bool
}

// Sharing returns what is known of the fleet that shares the limit. It is false where
// the limit is this instance's alone.
func (l *RateLimiter) Sharing() (s Sharing, ok bool) {
	a := l.account.Load()
	if a == nil {
		return s, false
	}
	known := a.Status()
	s = Sharing{Alone: known.Alone, Instances: known.Fleet}
	if known.Age >= 0 {
		s.Heard = time.Now().Add(-known.Age)
	}
	return s, true
}

// follow has a breaker follow the fleet's.
func (s *sharing) follow(name string, f *follower) {
	s.mu.Lock()
	s.followers[name] = f
	listening := s.listening
	if !s.watching && !s.closed {
		s.watching = true
		s.watch.Go(s.keepWatching)
	}
	s.mu.Unlock()
	if listening { // else it asks when it does
		s.begin(func() { _ = f.catchUp() })
	}
}

func (s *sharing) unfollow(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.followers, name)
}

// keepWatching listens to the fleet as long as there is one.
func (s *sharing) keepWatching() {
	for s.ctx.Err() == nil {
		err := safeQuestion(s.ctx, func(ctx context.Context) error {
			return s.store.Watch(ctx, func() { s.listen(true); s.catchUp() }, s.heard)
		})
		s.listen(false)
		if s.ctx.Err() == nil {
			for _, f := range s.all() {
				f.answers(nil, fmt.Errorf("the store tells nothing: %w", err))
			}
		}
		select {
		case <-s.ctx.Done():
		case <-time.After(watchAgain/2 + mathrand.N(watchAgain)):
		}
	}
}

func (s *sharing) listen(listening bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listening = listening
}

func (s *sharing) all() []*follower {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.followers))
}

// catchUp asks what the fleet was told while nobody listened here.
func (s *sharing) catchUp() {
	all := s.all()
	s.begin(func() {
		for _, f := range all {
			_ = f.catchUp() // report has told, and has it tried again
		}
	})
}

// mendLater has breakers that are alone ask the store again, one after the other, until
// it answers: nothing else might have them do so.
func (s *sharing) mendLater() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mender == nil && !s.closed {
		s.mender = time.AfterFunc(mendAgain/2+mathrand.N(mendAgain), func() { s.begin(s.mend) })
	}
}

func (s *sharing) mend() {
	s.mu.Lock()
	s.mender = nil
	listening := s.listening // else they ask when they do
	s.mu.Unlock()
	for _, f := range s.all() {
		if !listening || !f.isAlone() {
			continue
		}
		if err := f.catchUp(); err != nil && !policy.IsAnswer(err) {
			return // report has said so, and has it tried again
		}
	}
}

func (s *sharing) heard(name string, n BreakerNews, err error) {
	s.mu.Lock()
	f := s.followers[name]
	s.mu.Unlock()
	switch {
	case f != nil:
		f.hearOrLog(n, err)
	case err != nil:
		s.logMisheard(name, err)
	}
}
