package gen_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

type (
	plain     struct{}
	closes    struct{ err error }
	flushes   struct{ err error }
	session   struct{ id string }
	sized     struct{ n int }
	unsized   struct{ err error }
	anonymous struct{ calls *int }
)

func (plain) Trade(context.Context) error                 { return nil }
func (c closes) Close() error                             { return c.err }
func (f flushes) Flush() error                            { return f.err }
func (s session) Session(context.Context) (string, error) { return s.id, nil }
func (s sized) Size() int                                 { return s.n }
func (u unsized) Size() (int, error)                      { return 0, u.err }
func (a anonymous) Anonymous(int) error                   { *a.calls++; return errDown }

// TestAProxyOffersWhatTheValueHas: a proxy hid what the program asserted values
// to, which changed what it did, mostly in silence. It must have these interfaces
// exactly when the value does, in whatever combination.
func TestAProxyOffersWhatTheValueHas(t *testing.T) {
	calls := 0
	type (
		c = closes
		f = flushes
		s = session
	)
	for _, v := range []nasty.Exchange{
		plain{},
		struct {
			plain
			closes
		}{},
		struct {
			plain
			f
		}{},
		struct {
			plain
			c
			f
		}{},
		struct {
			plain
			s
		}{},
		struct {
			plain
			c
			s
		}{},
		struct {
			plain
			f
			s
		}{},
		struct {
			plain
			c
			f
			s
		}{},
		struct {
			plain
			sized
		}{},
		struct {
			plain
			unsized
			anonymous
		}{anonymous: anonymous{&calls}},
		struct {
			plain
			c
			f
			s
			sized
			anonymous
		}{anonymous: anonymous{&calls}},
		&nasty.Market{},
	} {
		got, want := has(wrapped(t, v, "retry")), has(v)
		if got != want {
			t.Errorf("%T: its proxy offers %s, want %s", v, got, want)
		}
		if found := strings.Join(nasty.Inspect(wrapped(t, v, "retry")), " "); found != strings.Replace(strings.Join(nasty.Inspect(v), " "), "*Market ", "", 1) {
			t.Errorf("%T: %s is found behind its proxy, and %s without", v, found, strings.Join(nasty.Inspect(v), " "))
		}
	}
}

// has names the interfaces that v has.
func has(v nasty.Exchange) string {
	_, sessions := v.(nasty.Sessions)
	_, flusher := v.(nasty.Flusher)
	_, sized := v.(nasty.Sized)
	_, unsized := v.(nasty.Unsized)
	_, wide := v.(nasty.Wide)
	_, anonymous := v.(interface{ Anonymous(n int) error })
	return fmt.Sprintf("Sessions:%v Flusher:%v Sized:%v Unsized:%v Wide:%v Anonymous:%v", sessions, flusher, sized, unsized, wide, anonymous)
}

// TestWhatIsOfferedPassesThrough unless a policy is chosen for it, and comes from
// the value itself.
func TestWhatIsOfferedPassesThrough(t *testing.T) {
	calls := 0
	v := struct {
		plain
		closes
		flushes
		session
		sized
		anonymous
	}{closes: closes{errDown}, session: session{"id"}, sized: sized{7}, anonymous: anonymous{&calls}}
	p := wrapped[nasty.Exchange](t, v, "retry")
	if err := p.(nasty.Flusher).Close(); err != errDown { //nolint:errorlint // straight through
		t.Errorf("Close: %v", err)
	}
	if id, err := p.(nasty.Sessions).Session(t.Context()); id != "id" || err != nil {
		t.Errorf("Session: %q, %v", id, err)
	}
	if n := p.(nasty.Sized).Size(); n != 7 {
		t.Errorf("Size: %d", n)
	}
	if err := p.(interface{ Anonymous(n int) error }).Anonymous(1); err != errDown || calls != 1 { //nolint:errorlint // straight through
		t.Errorf("Anonymous: %v after %d attempts", err, calls)
	}
	if container.Unwrap(p) != nasty.Exchange(v) {
		t.Error("container.Unwrap does not find the value")
	}

	calls = 0
	p = wrapped[nasty.Exchange](t, v, "none", container.Method("Anonymous", "instant"))
	if err := p.(interface{ Anonymous(n int) error }).Anonymous(1); !errors.Is(err, policy.ErrRetriesExhausted) || calls != 3 {
		t.Errorf("Anonymous under a policy: %v after %d attempts", err, calls)
	}
}
