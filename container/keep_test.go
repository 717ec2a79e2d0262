package container_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// market is a dependency whose values can do more than it says.
type market interface {
	Trade(ctx context.Context) error
}

// sessions is what some of them can do, and the program asserts them to.
type sessions interface {
	Session(ctx context.Context) (string, error)
}

type marketProxy struct {
	container.Proxied
	next  market
	trade *container.Pipeline
}

func (p *marketProxy) Trade(ctx context.Context) (err error) {
	call := p.trade.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Trade(call.Context())
	}
	return err
}

// marketWithSessions is the proxy of those that have them.
type marketWithSessions struct {
	*marketProxy
	next    sessions
	session *container.Pipeline
}

func (p *marketWithSessions) Session(ctx context.Context) (id string, err error) {
	call := p.session.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		id, err = p.next.Session(call.Context())
	}
	return id, err
}

func proxyMarket(next market, m container.Methods) market {
	p := &marketProxy{container.Proxied{Value: next}, next, m.Method("Trade")}
	if s, ok := next.(sessions); ok {
		return &marketWithSessions{p, s, m.Optional("Session")}
	}
	return p
}

func init() {
	container.RegisterProxyWith(proxyMarket, container.Offers[sessions](), container.Asserted[sessions](), container.Asserted[io.Closer]())
}

type plainMarket struct{ trades int }

func (x *plainMarket) Trade(context.Context) error {
	x.trades++
	return errDown
}

type fullMarket struct {
	plainMarket
	asked int
}

func (x *fullMarket) Session(context.Context) (string, error) {
	x.asked++
	return "", errDown
}

func (x *fullMarket) Close() error { return nil }

func (x *fullMarket) Secret() {}

// A proxy once hid what the value could do: an application lost its sessions, and
// found out by a nil.
func TestAProxyOffersWhatTheValueHas(t *testing.T) {
	for name, tt := range map[string]struct {
		value   market
		offered bool
	}{
		"has it":     {&fullMarket{}, true},
		"has it not": {&plainMarket{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContainer(t)
			provide(t, c, container.Tag(func() market { return tt.value }, "external_api", container.Keep[sessions]()))
			invoke(t, c, func(x market) {
				s, offered := x.(sessions)
				if offered != tt.offered {
					t.Fatalf("it offers sessions: %v", offered)
				}
				if _, ok := x.(io.Closer); ok {
					t.Error("it offers what it was not made for")
				}
				if !offered {
					return
				}
				if _, err := s.Session(t.Context()); err != errDown || tt.value.(*fullMarket).asked != 1 { //nolint:errorlint // the very error: no policy
					t.Errorf("got %v after %d attempts; nobody chose a policy for it", err, tt.value.(*fullMarket).asked)
				}
			})
		})
	}
}

func TestAPolicyMayBeChosenForWhatAProxyOffers(t *testing.T) {
	value := &fullMarket{}
	c := newContainer(t)
	provide(t, c, container.Tag(func() market { return value }, "external_api", container.Method("Session", "database")))
	invoke(t, c, func(x market) {
		if _, err := x.(sessions).Session(t.Context()); !errors.Is(err, policy.ErrRetriesExhausted) || value.asked != 2 {
			t.Errorf("got %v after %d attempts, want 2", err, value.asked)
		}
	})
}

func TestUnwrapGivesWhatIsBehindAProxy(t *testing.T) {
	value := &fullMarket{}
	c := newContainer(t)
	provide(t, c, container.Tag(func() market { return value }, "external_api"))
	invoke(t, c, func(x market) {
		if got, ok := container.Unwrap(x).(*fullMarket); !ok || got != value {
			t.Errorf("got %T", container.Unwrap(x))
		}
		if got := container.Unwrap[any](x); got != any(value) {
			t.Errorf("as any: got %T", got)
		}
		if got := container.Unwrap(x.(sessions)); got != sessions(value) {
			t.Errorf("as another interface: got %T", got)
		}
		twice := market(&marketProxy{Proxied: container.Proxied{Value: x}, next: x})
		if got := container.Unwrap(twice); got != market(value) {
			t.Errorf("through two proxies: got %T", got)
		}
		if got := container.Unwrap[market](value); got != market(value) {
			t.Errorf("of no proxy: got %T", got)
		}
		proxy := x.(*marketWithSessions)
		if got := container.Unwrap(proxy); got != proxy {
			t.Errorf("of the proxy's own type: got %p, want itself", got)
		}
		if got := container.Unwrap[market](nil); got != nil {
			t.Errorf("of nil: got %T", got)
		}
	})
}

// narrow and wide are the proxies that two packages bring for one interface.
type shared interface {
	Do(ctx context.Context) error
}

type (
	narrowProxy struct{ shared }
	wideProxy   struct{ shared }
)

func TestOfTwoProxiesTheOneThatOffersMoreIsUsed(t *testing.T) {
	container.RegisterProxyWith(func(next shared, _ container.Methods) shared { return narrowProxy{next} }, container.Offers[sessions]())
	container.RegisterProxyWith(func(next shared, _ container.Methods) shared { return wideProxy{next} }, container.Offers[io.Closer](), container.Offers[sessions]())
	container.RegisterProxy(func(next shared, _ container.Methods) shared { return narrowProxy{next} })
	c := newContainer(t)
	provide(t, c, container.Tag(func() shared { return &script{} }, "database", container.Keep[io.Closer](), container.Keep[sessions]()))
	invoke(t, c, func(s shared) {
		if _, ok := s.(wideProxy); !ok {
			t.Errorf("got a %T", s)
		}
	})
}

func (s *script) Do(ctx context.Context) error { return s.call(ctx) }

func TestKeepOfNoInterfaceIsAMistake(t *testing.T) {
	wantMessage(t, newContainer(t).Provide(container.Tag(newBank, "none", container.Keep[int]())), "container.Keep[int]", "not an interface")
}

func TestStartupSaysWhatAProxyHides(t *testing.T) {
	for _, tt := range []struct {
		name      string
		value     market
		level     slog.Level
		want, not []string
	}{
		{"an asserted interface", &fullMarket{}, slog.LevelWarn, []string{"level=WARN", "service=container_test.market", "asserted=[io.Closer]", "hidden=\"[Close Secret]\"", "container.Keep"}, []string{"Session"}},
		{"nothing", &plainMarket{}, slog.LevelDebug, nil, []string{"hidden"}},
		{"nothing that is asserted", &secretive{}, slog.LevelDebug, []string{"level=DEBUG", "hidden=[Secret]"}, []string{"WARN"}},
		{"nothing that is asserted, to those who do not ask", &secretive{}, slog.LevelInfo, nil, []string{"hidden"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			c := newContainer(t, container.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: tt.level}))))
			provide(t, c, container.Tag(func() market { return tt.value }, "external_api"))
			invoke(t, c, func(market) {})
			for _, want := range tt.want {
				if !strings.Contains(log.String(), want) {
					t.Errorf("%s is missing in:\n%s", want, &log)
				}
			}
			for _, not := range tt.not {
				if strings.Contains(log.String(), not) {
					t.Errorf("%s is in:\n%s", not, &log)
				}
			}
			if got := strings.Count(log.String(), "hidden="); got > 1 {
				t.Errorf("%d lines for one service:\n%s", got, &log)
			}
		})
	}
}

type secretive struct{ plainMarket }

func (*secretive) Secret() {}

// A client of go-redis was tagged and started with 8 of its 630 methods guarded,
// and nothing said so but 622 lines.
func TestStartupCountsWhatIsNotGuarded(t *testing.T) {
	var log bytes.Buffer
	c := newContainer(t, container.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	provide(t, c, container.Tag(func() ledger { return &book{} }, "external_api"))
	provide(t, c, container.Tag(newBank, "external_api"))
	invoke(t, c, func(ledger, gateway) {})
	if !strings.Contains(log.String(), `msg="2 of 3 methods guarded" service=container_test.ledger`) {
		t.Errorf("it is not counted:\n%s", &log)
	}
	if got := strings.Count(log.String(), "guarded"); got != 1 {
		t.Errorf("%d lines, want one, as all of the gateway's are:\n%s", got, &log)
	}
}
