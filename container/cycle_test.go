package container_test

import (
	"testing"

	"github.com/cladgo/clad/container"
	"go.uber.org/dig"
	"go.uber.org/fx"
)

type hen struct{}

type egg struct{}

func newHen(*egg) (gateway, *hen) { return &bank{}, &hen{} }

func newEgg(*hen) (transfers, *egg) { return countingTransfers{}, &egg{} }

// Whoever made the cycle is told where it goes through, wherever it is found.
func TestACycleOfTaggedConstructorsNamesThem(t *testing.T) {
	hens, eggs := container.Tag(newHen, "external_api"), container.Tag(newEgg, "database")

	c := newContainer(t)
	provide(t, c, hens)
	provide(t, c, eggs)
	wantCycle(t, c.Invoke(func(gateway) {}))

	c, err := container.NewIn(dig.New(), profile)
	if err != nil {
		t.Fatal(err)
	}
	provide(t, c, hens)
	wantCycle(t, c.Provide(eggs))

	app := fx.New(fx.NopLogger, provided(profile), fx.Provide(hens, eggs), fx.Invoke(func(gateway) {}))
	wantCycle(t, app.Err())
}

func wantCycle(t *testing.T, err error) {
	t.Helper()
	if !dig.IsCycleDetected(err) {
		t.Fatalf("got %v, want a cycle", err)
	}
	wantMessage(t, err, "cycle", "newHen", "newEgg", "cycle_test.go:", "depends on")
	wantNoStub(t, err.Error())
}
