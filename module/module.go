// Package module brings clad into an Fx application.
//
//	fx.New(
//		module.New(), // ./configs, the profile named by CLAD_PROFILE
//		fx.Provide(container.Tag(stripe.NewGateway, "external_api")),
//		...
//	).Run()
package module

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// DefaultConfigDir is where [New] looks for profiles unless told otherwise.
const DefaultConfigDir = "configs"

// New reads a profile and provides what it says: *container.Orchestrator, the
// same as policy.Orchestrator, and every policy, circuit breaker and rate
// limiter as *container.Pipeline, *container.CircuitBreaker and
// *container.RateLimiter under its name. Constructors tagged with
// [container.Tag] depend on these names, so fx.ValidateApp finds a misspelt one,
// and at startup the error says what was probably meant.
//
// The profile is that of [WithProfile], else of the environment variables
// CLAD_PROFILE or APP_ENV, else "development"; see package config. It is read
// when New is called; all mistakes in it become the application's error.
func New(opts ...Option) fx.Option {
	o := options{dir: DefaultConfigDir}
	for _, opt := range opts {
		opt.apply(&o)
	}
	catalog, profile, err := o.load()
	if err != nil {
		return fx.Error(fmt.Errorf("clad: %w", err))
	}
	log := o.log
	if log == nil {
		log = slog.Default()
	}
	return fx.Module("clad",
		fx.Provide(
			func() (*container.Orchestrator, policy.Orchestrator, error) {
				settings := append([]container.Option{container.WithLogger(log)}, o.container...)
				orchestrator, err := container.NewOrchestrator(catalog, settings...)
				if err != nil {
					return nil, nil, fmt.Errorf("clad: %w", err)
				}
				return orchestrator, orchestrator, nil
			},
			container.NamedValues(catalog),
		),
		fx.Invoke(
			checkTags(catalog),
			func(lc fx.Lifecycle, orchestrator *container.Orchestrator) {
				lc.Append(fx.StartHook(func(ctx context.Context) { started(ctx, log, profile, catalog, orchestrator) }))
			},
		),
	)
}

// started says what is in force, and which choices of the profile met nothing.
func started(ctx context.Context, log *slog.Logger, profile string, c policy.Catalog, o *container.Orchestrator) {
	log.InfoContext(ctx, "clad started", "profile", profile, "policies", len(c.Policies),
		"circuit_breakers", len(c.CircuitBreakers), "rate_limiters", len(c.RateLimiters))
	for _, id := range o.UnusedServices() {
		log.WarnContext(ctx, "the profile chooses policies for a service that nothing provides", "service", id)
	}
}

// Option changes what [New] does.
type Option interface{ apply(*options) }

type options struct {
	dir       string
	fsys      fs.FS
	profile   string
	catalog   *policy.Catalog
	log       *slog.Logger
	container []container.Option
}

func (o *options) load() (policy.Catalog, string, error) {
	if o.catalog != nil {
		return *o.catalog, "(given in code)", nil
	}
	fsys, where := o.fsys, "the given file system"
	if fsys == nil {
		if info, err := os.Stat(o.dir); err != nil {
			return policy.Catalog{}, "", fmt.Errorf("the directory of the profiles: %w; name another with module.WithConfigDir, or embed the files and use module.WithFS", err)
		} else if !info.IsDir() {
			return policy.Catalog{}, "", fmt.Errorf("the directory of the profiles: %s is a file", o.dir)
		}
		fsys, where = os.DirFS(o.dir), o.dir
	}
	p, err := config.Load(fsys, o.profile, os.Environ())
	if err != nil {
		return policy.Catalog{}, "", fmt.Errorf("in %s: %w", where, err)
	}
	return p.Catalog(), p.Name(), nil
}

type option func(*options)

func (f option) apply(o *options) { f(o) }

// WithConfigDir reads the profiles from a directory other than "configs".
func WithConfigDir(dir string) Option { return option(func(o *options) { o.dir = dir }) }

// WithFS reads the profiles from the root of a file system: of go:embed, say.
func WithFS(fsys fs.FS) Option { return option(func(o *options) { o.fsys = fsys }) }

// WithProfile names the profile, whatever the environment says.
func WithProfile(name string) Option { return option(func(o *options) { o.profile = name }) }

// WithCatalog takes the policies from code in place of a profile.
func WithCatalog(c policy.Catalog) Option { return option(func(o *options) { o.catalog = &c }) }

// WithLogger takes another logger than slog.Default().
func WithLogger(log *slog.Logger) Option { return option(func(o *options) { o.log = log }) }

// WithContainer hands options to the orchestrator: container.OnTransition, say.
func WithContainer(opts ...container.Option) Option {
	return option(func(o *options) { o.container = append(o.container, opts...) })
}
