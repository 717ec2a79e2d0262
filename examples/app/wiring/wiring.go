package wiring

import (
	"log/slog"
	"net"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/examples/app/api"
	"github.com/cladgo/clad/examples/app/cache"
	"github.com/cladgo/clad/examples/app/gateway"
	"github.com/cladgo/clad/examples/app/ledger"
	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/examples/app/standin"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"
)

// Settings is what differs from one run to the next.
type Settings struct {
	// API is where the service listens.
	API net.Listener
	// Bank is where the built-in bank listens; nil for another's bank.
	Bank net.Listener
	// BankURL is where the bank is.
	BankURL string
	// DatabaseURL is where the ledger is; see ledger.New.
	DatabaseURL string
	// Steer lets whoever is on this machine steer by the console.
	Steer bool
	// Log hears of what clad and Fx do.
	Log *slog.Logger
}

// App is the whole application. A tag on a constructor is all that protection
// takes: what comes out is wrapped in the policy of that name, and whoever asks
// for it cannot tell. The policies are those of ./configs, in the profile that
// CLAD_PROFILE names, unless an option says otherwise.
func App(s Settings, policies ...module.Option) fx.Option {
	breakers := &api.Breakers{}
	seen, err := newTelemetry()
	if err != nil {
		return fx.Error(err)
	}
	return fx.Options(
		module.New(append(policies,
			module.WithLogger(s.Log),
			module.WithContainer(seen.observe(), container.OnTransition(func(t container.Transition) {
				breakers.Set(t.Name, t.To, t.At)
			})),
		)...),
		fx.Supply(s, breakers, seen),
		fx.Provide(
			container.Tag(newGateway, "external_api",
				container.As[payments.Gateway](),
				container.Method("Refund", "external_api_once"), // not safe to repeat
				container.Fallback(standin.New)),                // when the bank can't be asked
			container.Tag(newLedger, "database", container.As[payments.Ledger]()),
			container.Tag(newCache, "cache",
				container.As[payments.Cache](),
				container.Answers(cache.ErrMiss)), // a cache that misses works
			payments.NewService,
			newAPI,
			newConsole,
		),
		fx.Invoke(telemetry.stop, serveBank, serveAPI),
		fx.WithLogger(func() fxevent.Logger {
			quiet := &fxevent.SlogLogger{Logger: s.Log}
			quiet.UseLogLevel(slog.LevelDebug)
			quiet.UseErrorLevel(slog.LevelDebug) // errors come back from Start
			return quiet
		}),
	)
}

func newGateway(lc fx.Lifecycle, s Settings) *gateway.Client {
	client := gateway.New(s.BankURL)
	lc.Append(fx.StopHook(client.Close))
	return client
}

func newLedger(lc fx.Lifecycle, s Settings) (*ledger.DB, error) {
	db, err := ledger.New(s.DatabaseURL)
	if err == nil {
		lc.Append(fx.StartStopHook(db.Start, db.Close))
	}
	return db, err
}

func newCache() *cache.Memory { return cache.New(10_000, 30*time.Second) }

// apiParams shows the other way to what a profile says: policies, breakers and
// limiters are named values.
type apiParams struct {
	fx.In

	Service      *payments.Service
	Guard        *container.Pipeline       `name:"api"`
	Breaker      *container.CircuitBreaker `name:"payment-service" optional:"true"` // not every profile has it
	Orchestrator *container.Orchestrator
	Breakers     *api.Breakers
	Telemetry    telemetry
}

func newAPI(p apiParams) *api.API {
	if p.Breaker != nil {
		p.Breakers.Set(p.Breaker.Name(), p.Breaker.State(), time.Now())
	}
	return api.New(p.Service, p.Guard, p.Orchestrator.Metrics, p.Breakers, p.Telemetry.scrape,
		cladhttp.Readiness(p.Orchestrator))
}
