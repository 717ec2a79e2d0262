package container_test

import (
	"context"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"go.uber.org/fx"
)

// socket stands for a concrete type that is wrapped by a function of its own, as
// *http.Client is.
type socket struct {
	send func(context.Context) error
}

func TestAWrapperForAConcreteType(t *testing.T) {
	container.RegisterWrapper(func(next *socket, m container.Methods) *socket {
		p := m.Method("Send")
		return &socket{send: func(ctx context.Context) error { return p.Run(ctx, next.send) }}
	}, "Send")
	calls := 0
	start(t,
		fx.Provide(container.Tag(func() *socket {
			return &socket{func(context.Context) error { calls++; return errDown }}
		}, "external_api", container.Method("Send", "database"))),
		fx.Invoke(func(s *socket) {
			err := s.send(t.Context())
			wantMessage(t, err, "container_test.socket.Send: ")
			if calls != 2 {
				t.Errorf("%d attempts", calls)
			}
		}))
	c := newContainer(t)
	provide(t, c, container.Tag(func() *socket { return nil }, "external_api", container.Method("Sennd", "database")))
	wantMessage(t, c.Invoke(func() {}), "Sennd", `did you mean "Send"?`)
}

// meter is an interface for which two packages bring a proxy.
type meter interface {
	Read(ctx context.Context) error
}

type meterProxy struct {
	meter
	by string
}

func TestTheFirstProxyOfATypeStays(t *testing.T) {
	for _, by := range []string{"first", "second"} {
		container.RegisterProxy(func(next meter, _ container.Methods) meter { return meterProxy{next, by} })
	}
	start(t,
		fx.Provide(container.Tag(func() meter { return meterProxy{} }, "database")),
		fx.Invoke(func(m meter) {
			if got := m.(meterProxy).by; got != "first" {
				t.Errorf("wrapped by the %s", got)
			}
		}))
}

func TestAProxyIsForInterfacesOnly(t *testing.T) {
	got := recovered(func() {
		container.RegisterProxy(func(next socket, _ container.Methods) socket { return next })
	})
	if text, ok := got.(string); !ok || !strings.Contains(text, "container_test.socket") || !strings.Contains(text, "RegisterWrapper") {
		t.Errorf("recovered %v", got)
	}
}
