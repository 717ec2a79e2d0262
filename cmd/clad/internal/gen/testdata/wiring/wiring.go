// Package wiring tags in every way there is.
package wiring

import (
	"context"

	"go.uber.org/fx"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/wiring/helper"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/wiring/payments"
	. "github.com/cladgo/clad/container"
	_ "github.com/cladgo/clad/container/cladhttp"
)

var (
	mailer      = payments.NewMailer
	auditor any = payments.NewAuditor
	tag         = Tag
	options     = []TagOption{As[payments.Gateway](), Method("Charge", "none")}
)

func All() fx.Option {
	var rates any
	rates = payments.NewRates
	vaults := payments.Vaults{}
	local := func(ctor any) any { return Tag(ctor, "external") }
	return fx.Provide(
		Tag(payments.OpenLedger, "database"),
		Tag(rates, "external"),
		tag(mailer, "external"),
		local(auditor),
		Tag(payments.NewStripe, "external", options...),
		Tag(fx.Annotate(payments.NewHandlers, fx.ResultTags(`group:"handlers,flatten"`)), "external"),
		Tag(fx.Annotate(newFraud(), fx.As(new(payments.Fraud))), "external"),
		Tag(annotated(), "external"),
		Tag(fx.Annotated{Group: "caches,flatten", Target: func() []payments.Cache { return nil }}, "cache"),
		Tag(vaults.Open, "external"),
		Tag(payments.NewOut, "database"),
		Tag(payments.NewClient, "external"),
		Tag(payments.NewTransport, "external"),
		Tag(payments.NewFunctions, "external"),
		Tag(payments.NewFunction, "external"),
		Tag(func() (interface {
			Ask(ctx context.Context) error
		}, error) {
			return nil, nil
		}, "external"),
	)
}

func newFraud() any {
	return func() *fraud { return nil }
}

type fraud struct{}

func (*fraud) Check(context.Context) error { return nil }

func annotated() (ctor any) {
	ctor = fx.Annotated{Name: "clock", Target: payments.NewClock}
	return
}

// Loop tags what it finds in a list.
func Loop() (tagged []any) {
	for _, entry := range []struct {
		ctor   any
		policy string
	}{
		{payments.NewSearch, "external"},
		{policy: "external", ctor: payments.NewTracer},
	} {
		tagged = append(tagged, Tag(entry.ctor, entry.policy))
	}
	return tagged
}

// Generic tags a constructor for each type argument.
func Generic[T any]() any { return Tag(payments.NewRepo[T], "database") }

type module[T any] struct{}

func (module[T]) provide() any {
	return Tag(func() (payments.Repo[*T], error) { return nil, nil }, "database")
}

// Helped leaves tagging to another package.
func Helped() []any {
	return append(helper.All(newEvents, newGeo),
		Generic[payments.User](),
		Generic[payments.Order](),
		module[payments.Order]{}.provide(),
		helper.External(newTax),
		helper.Typed(newToken),
		helper.As[payments.Queue](newQueue),
		helper.Set{Ctor: newRows}.Tagged(),
	)
}

func newEvents() payments.Events { return nil }
func newGeo() payments.Geo       { return nil }
func newTax() payments.Tax       { return nil }
func newToken() payments.Token   { return nil }
func newQueue() *queue           { return nil }
func newRows() Rows              { return nil }

type queue struct{}

func (*queue) Push(context.Context, string) error { return nil }

// Rows is declared here.
type Rows interface {
	Row(ctx context.Context) error
}
