package container_test

import (
	"errors"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// A service is known by its type's name, whether the type is handed out as a
// value or by a pointer: a profile can choose for it, and tell it from another
// of that short name by the full import path.
func TestAPointerIsKnownByTheNameOfWhatItPointsTo(t *testing.T) {
	for _, name := range []string{"container_test.client", "github.com/cladgo/clad/container_test.client"} {
		for kind, ctor := range map[string]any{
			"value":   func(calls map[string]int) client { return newClient(calls) },
			"pointer": func(calls map[string]int) *client { c := newClient(calls); return &c },
		} {
			calls := map[string]int{}
			c := choosing(map[string]policy.Service{name: {Methods: map[string]string{"Get": "patient"}}})
			app := fx.New(fx.NopLogger, provided(c), fx.Supply(calls), fx.Provide(container.Tag(ctor, "external_api")),
				fx.Invoke(func(in struct {
					fx.In
					Value   client  `optional:"true"`
					Pointer *client `optional:"true"`
					O       *container.Orchestrator
				}) {
					used := in.Value
					if in.Pointer != nil {
						used = *in.Pointer
					}
					if _, err := used.Get(t.Context(), "x"); !errors.Is(err, errDown) || calls["Get"] != 5 {
						t.Errorf("%s, %s: %v after %d attempts, want the 5 that the profile chooses", name, kind, err, calls["Get"])
					}
					if got := in.O.Metrics().Operations; got["container_test.client.Get"].TotalOperations != 1 {
						t.Errorf("%s: operations %+v", kind, got)
					}
				}))
			if err := app.Err(); err != nil {
				t.Error(err)
			}
		}
	}
}
