// Command shop names policies in every way there is.
package main

import (
	"net/http"

	"github.com/cladgo/clad/cmd/clad/internal/usage/testdata/shop/names"
	"github.com/cladgo/clad/cmd/clad/internal/usage/testdata/shop/store"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

func init() { container.RegisterProxy(newLedgerProxy) }

type ledgerProxy struct {
	store.Ledger
	append, imports, follow, mark, load, close *container.Pipeline
}

func newLedgerProxy(next store.Ledger, m container.Methods) store.Ledger {
	m.WithoutContext("Load")
	return &ledgerProxy{next, m.Once("Append"), m.Rewinds("Import"), m.Single("Follow"), m.Safe("Mark"), m.Rewinds("Load"), m.Optional("Close")}
}

// params asks for pipelines by their names.
type params struct {
	fx.In

	API    *container.Pipeline `name:"api"`
	Client *http.Client        `name:"bank"`
}

func options(policyName string, more ...container.TagOption) fx.Option {
	tag := container.Tag
	return fx.Provide(
		container.Tag(store.NewGateway, "external_api", container.Method("Refnd", names.Once)),
		container.Tag(store.NewLedger, names.Database, container.As[store.Ledger](), container.Method("Append", "databse_once")),
		container.Tag(store.NewUsers, names.Database),
		container.Tag(store.NewSender, "mail"),
		container.Tag(store.NewSend, "mail"),
		container.Tag(store.NewHooks, ""),
		container.Tag(store.NewOut, "database"),
		container.Tag(func() *http.Client { return nil }, "none"),
		container.Tag(fx.Annotate(store.NewLedger, fx.As(new(store.Ledger)), fx.ResultTags(`name:"second"`)), "database"),
		container.Tag(fx.Annotated{Target: store.NewGateway, Name: "third"}, "external_api"),
		container.Tag(fx.Annotated{Target: store.NewAll, Group: "all,flatten"}, "external_api"),
		container.Tag(fx.Annotate(store.NewAll, fx.ResultTags(`group:"all,flatten"`)), "external_api"),
		container.Tag(fx.Annotate(store.NewGateway, fx.As(new(store.Gateway))), "external_api"),
		container.Tag(store.NewGateway, policyName),
		container.Tag(constructor(), "database"),
		container.Tag(store.NewGateway, "cache", more...),
		tag(store.NewGateway, "database"),
		generic[store.Gateway],
		fx.Annotate(func(p *container.Pipeline, g store.Gateway) {}, fx.ParamTags(`name:"nightly"`, `name:"backup"`)),
	)
}

func constructor() any { return store.NewGateway }

func generic[T any]() any { return container.Tag(func() (t T) { return t }, "database") }

func ask(o policy.Orchestrator, c *container.Orchestrator) {
	_, _ = o.Pipeline("batch")
	_, _ = c.Pipeline(names.Database)
}

func main() { _, _, _ = options, ask, params{} }
