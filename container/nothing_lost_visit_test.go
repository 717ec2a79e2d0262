package container_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// place may be visited twice at once.
type place interface {
	Enter(ctx context.Context, v *visit) (*stay, error)
	Keep(ctx context.Context, v *visit) (*kept, error)
}

// stay is the result of a visit, which is to be closed.
type stay struct {
	of     *visit
	closed int
}

func (s *stay) Close() error {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.closed++
	return nil
}

// hall is a place where visitors do what they like.
type hall struct{}

func (hall) Enter(ctx context.Context, v *visit) (*stay, error) { return v.attempt(ctx) }
func (hall) Keep(context.Context, *visit) (*kept, error)        { panic("its proxy does that") }

type placeProxy struct {
	next        place
	enter, keep *container.Pipeline
}

func init() {
	container.RegisterProxy(func(next place, m container.Methods) place {
		return &placeProxy{next, m.Hedges("Enter"), m.Hedges("Keep")}
	})
}

func (p *placeProxy) Enter(ctx context.Context, v *visit) (s *stay, err error) {
	call := p.enter.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		if h := call.Hedge(); h != nil {
			s, err = container.Hedged(h, func(ctx context.Context) (*stay, error) { return p.next.Enter(ctx, v) })
			continue
		}
		s, err = p.next.Enter(call.Context(), v)
	}
	return s, err
}

// Keep returns what is in use after the call, nil where it has failed.
func (p *placeProxy) Keep(ctx context.Context, v *visit) (*kept, error) {
	call := p.keep.Begin(ctx)
	defer call.End()
	k := &kept{}
	if err := k.run(&call, p.next, v); err != nil {
		return nil, err
	}
	return k, nil
}

// kept is a result that outlives its call, or that of a call beside which others are
// made and that has one.
type kept struct {
	*stay
	inner   *kept
	release func()
	pending container.Pending
}

func (k *kept) run(call *container.Call, next place, v *visit) (err error) {
	for call.Next(&err) {
		if h := call.Hedge(); h != nil {
			k.inner, k.release, err = container.HedgedOpening(h, func(call *container.Call) (*kept, error) {
				one := &kept{}
				return one, one.run(call, next, v)
			})
			if err != nil {
				k.release()
			}
		} else {
			k.stay, err = next.Enter(call.Context(), v)
		}
		if err == nil {
			call.Defer(&k.pending)
		}
	}
	return err
}

// result is what was kept.
func (k *kept) result() *stay {
	if k.inner != nil {
		return k.inner.result()
	}
	return k.stay
}

// finish ends the use of the result, by end.
func (k *kept) finish(end func(*container.Pending)) {
	if k.inner != nil {
		k.inner.finish(end)
	}
	end(&k.pending)
	if k.inner != nil {
		k.release()
	}
}

// Close lets go of a result that nobody waits for any more, if there is one.
func (k *kept) Close() error {
	s := k.result()
	if s == nil {
		return nil
	}
	k.finish(func(p *container.Pending) { _ = p.Leave(nil) })
	return s.Close()
}

// visit is one operation of a crowd.
type visit struct {
	*crowd
	r    *rand.Rand
	kind int

	// Of the crowd's lock:
	succeeded []*stay // by attempts
	returned  *stay
	err       error
	came      bool // there is an outcome
}

// The kinds of visits; all others wait for their result.
const (
	keeps        = 0 // a result, and closes it later
	keepsForEver = 1 // one, and never closes it
	byName       = 2 // of the policy, in which nothing is hedged; and 3 and 4
)

func (v *visit) come(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	v.t.Cleanup(cancel)
	if v.r.IntN(3) == 0 {
		time.AfterFunc(within(v.r, 3*time.Second), cancel)
	}
	if v.r.IntN(3) == 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, within(v.r, 4*time.Second))
		defer end()
	}
	if v.r.IntN(3) == 0 {
		ctx = policy.WithCriticality(ctx, policy.Sheddable)
	}
	done := make(chan struct{})
	go func() { // runtime.Goexit may end it
		defer close(done)
		defer func() { _ = recover() }()
		switch {
		case v.kind == keeps || v.kind == keepsForEver:
			v.keep(ctx)
		case v.kind < byName+3:
			v.end(policy.Do(ctx, v.p, v.attempt))
		default:
			v.end(v.place.Enter(ctx, v))
		}
	}()
	<-done
	if v.kind != keepsForEver {
		cancel()
	}
}

func (v *visit) end(s *stay, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.returned, v.err, v.came = s, err, true
}

// check looks whether a result was lost: of all that there were, the caller has one,
// and the others were closed.
func (v *visit) check() {
	if v.came && (v.err == nil) != (v.returned != nil) {
		v.t.Errorf("the caller got %v and %v", v.returned, v.err)
	}
	known := v.returned == nil
	for _, s := range v.succeeded {
		known = known || s == v.returned
		if want := s != v.returned; (s.closed > 0) != want || s.closed > 1 {
			v.t.Errorf("a result of %d was closed %d times; the caller's: %v, %v", len(v.succeeded), s.closed, !want, v.err)
		}
	}
	if !known {
		v.t.Errorf("the caller got what was not returned: %v of %v", v.returned, v.succeeded)
	}
}

// attempt is a dependency that does what it likes.
func (v *visit) attempt(ctx context.Context) (*stay, error) {
	r := v.random()
	v.mu.Lock()
	v.attempts++
	v.mu.Unlock()
	if r.IntN(2) == 0 {
		if d := within(r, 3*time.Second); r.IntN(4) == 0 {
			time.Sleep(d) // real time: none, visits are in the bubble of their test
		} else if err := wait(ctx, d); err != nil {
			return nil, err
		}
	}
	switch r.IntN(12) {
	case 0:
		panic("the dependency")
	case 1:
		runtime.Goexit()
	case 2:
		return nil, errFatal
	case 3:
		return nil, policy.Answer(errNo)
	case 4:
		return nil, policy.Permanent(errNo)
	case 5, 6, 7:
		return nil, errDown
	}
	s := &stay{of: v}
	v.mu.Lock()
	v.succeeded = append(v.succeeded, s)
	v.mu.Unlock()
	return s, nil
}

// keep has a result that outlives its call.
func (v *visit) keep(ctx context.Context) {
	var k *kept
	defer func() {
		if k == nil && v.kind == keepsForEver {
			v.count() // after all
		}
	}()
	k, err := v.place.Keep(ctx, v)
	if err != nil {
		v.end(nil, err)
		return
	}
	v.end(k.result(), nil)
	if v.kind == keepsForEver {
		v.mu.Lock()
		v.forever = true
		v.mu.Unlock()
		return
	}
	time.Sleep(within(v.r, 2*time.Second)) // real time: none, as above
	k.finish(func(p *container.Pending) {
		if v.r.IntN(2) == 0 {
			_ = p.Leave(nil)
		} else {
			_ = p.Finish([]error{nil, errDown}[v.r.IntN(2)], policy.Unknown)
		}
	})
}
