package test

import (
	"strings"
	"testing"

	"go.uber.org/fx"
)

type bank interface{ name() string }

type bankNamed string

func (b bankNamed) name() string { return string(b) }

// What the README says of decorators, for which tags are no decorators. Where Fx
// changes its mind, so may clad.
func TestADecoratorIsEasilyMissed(t *testing.T) {
	wrapped := fx.Decorate(func(b bank) bank { return bankNamed("wrapped " + b.name()) })
	bare := fx.Provide(func() bank { return bankNamed("bare") })

	var inside, outside, grouped string
	app := fx.New(fx.NopLogger, bare,
		fx.Module("m", wrapped, fx.Invoke(func(b bank) { inside = b.name() })),
		fx.Invoke(func(b bank) { outside = b.name() }))
	if app.Err() != nil || inside != "wrapped bare" || outside != "bare" {
		t.Errorf("in its module %q, elsewhere %q, %v", inside, outside, app.Err())
	}

	for name, other := range map[string]fx.Option{
		"a second decorator": wrapped,
		"a replacement":      fx.Replace(fx.Annotate(bankNamed("fake"), fx.As(new(bank)))),
	} {
		if err := fx.New(fx.NopLogger, bare, wrapped, other).Err(); err == nil || !strings.Contains(err.Error(), "already decorated") {
			t.Errorf("%s: %v", name, err)
		}
	}

	app = fx.New(fx.NopLogger, wrapped,
		fx.Provide(fx.Annotate(func() bank { return bankNamed("bare") }, fx.ResultTags(`group:"banks"`))),
		fx.Invoke(fx.Annotate(func(banks []bank) { grouped = banks[0].name() }, fx.ParamTags(`group:"banks"`))))
	if app.Err() != nil || grouped != "bare" {
		t.Errorf("in a group %q, %v", grouped, app.Err())
	}
}
