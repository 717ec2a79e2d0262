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
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/constructor"
	"github.com/cladgo/clad/internal/needs"
	"github.com/cladgo/clad/internal/profilename"
	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/internal/watch"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// DefaultConfigDir is where [New] looks for profiles unless told otherwise.
const DefaultConfigDir = "configs"

// New reads a profile and provides what it says: *container.Orchestrator, the
// same as policy.Orchestrator, and every policy, circuit breaker, rate limiter
// and bulkhead as *container.Pipeline, *container.CircuitBreaker,
// *container.RateLimiter and *container.Bulkhead under its name. Constructors tagged with
// [container.Tag] depend on these names, so fx.ValidateApp finds a misspelt one,
// and at startup the error says what was probably meant.
//
// The profile is that of [WithProfile], else of the environment variables
// CLAD_PROFILE or APP_ENV, else "development"; see package config. It is read
// when New is called; all mistakes in it become the application's error. How to
// have it read again while the application runs, see [WithReload]. Where nobody
// chose a profile, startup warns of it; see [RequireProfile].
func New(opts ...Option) fx.Option {
	o := options{dir: DefaultConfigDir}
	for _, opt := range opts {
		opt.apply(&o)
	}
	if o.log == nil {
		o.log = slog.Default()
	}
	if err := o.validate(); err != nil {
		return broken(err)
	}
	p, err := o.load()
	if err == nil {
		err = p.candidate.err
	}
	if err != nil {
		return broken(err)
	}
	constructors := []any{
		func() (*container.Orchestrator, policy.Orchestrator, error) {
			settings := append([]container.Option{container.WithLogger(o.log)}, o.container...)
			orchestrator, err := container.NewOrchestrator(p.catalog, settings...)
			if err == nil {
				err = p.candidate.begin(orchestrator)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("clad: %w", err)
			}
			return orchestrator, orchestrator, nil
		},
		func(orchestrator *container.Orchestrator) *Reloader {
			return newReloader(&o, p, orchestrator)
		},
		func() *blueprint { return &blueprint{p.catalog, p.candidate} },
		nil, // namedValues
	}
	// New may be called in a package variable, before packages have registered
	// their proxies. Fx looks at its constructors when the application is built.
	namedValues := &constructors[len(constructors)-1]
	needs.Follow(func() { *namedValues = container.NamedValues(p.catalog) })
	return fx.Module("clad",
		fx.Provide(constructors...),
		fx.Invoke(
			o.checkTags(p),
			func(lc fx.Lifecycle, orchestrator *container.Orchestrator, reloader *Reloader) {
				if p.unchosen {
					o.log.Warn("nobody chose a profile, so it is the default one: "+howToChoose, "profile", p.name)
				}
				reload := o.reload || p.reload
				lc.Append(fx.StartStopHook(
					func(ctx context.Context) { started(ctx, o.log, p, reload, orchestrator) },
					orchestrator.Close))
				if reload {
					lc.Append(fx.StartStopHook(reloader.start, reloader.finish))
				}
			},
		),
	)
}

// broken is an application whose profile can't be used. The error comes where Fx
// provides, and not before, lest the application's own logger is missing too.
func broken(err error) fx.Option {
	return fx.Module("clad", fx.Provide(constructor.Refuse("the profile", fmt.Errorf("clad: %w", err))))
}

// started says what is in force, and which choices of the profile met nothing.
func started(ctx context.Context, log *slog.Logger, p profile, reload bool, o *container.Orchestrator) {
	log.InfoContext(ctx, "clad started", "profile", p.name, "policies", len(p.catalog.Policies),
		"circuit_breakers", len(p.catalog.CircuitBreakers), "rate_limiters", len(p.catalog.RateLimiters),
		"bulkheads", len(p.catalog.Bulkheads), "reload", reload)
	if p.standard {
		log.InfoContext(ctx, "services without a policy of their own go by the standard one",
			"policy", fmt.Sprint(p.catalog.Policies[policy.StandardName]), "services", standardServices(o))
	}
	for _, id := range o.UnusedServices() {
		warnUnused(ctx, log, id)
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
	chosen    bool // it must be
	standard  bool
	reload    bool
	timing    ReloadTiming
	listeners []func(Outcome)
	shadow    string
	shadowed  atomic.Pointer[string] // the candidate that was read last, empty for none
}

func (o *options) validate() error {
	if o.reload && o.catalog != nil {
		return errInCode
	}
	return o.timing.validate()
}

// profile is what was read of one.
type profile struct {
	name      string
	unchosen  bool // it is the default one
	catalog   policy.Catalog
	standard  bool // it has the standard policy
	reload    bool // it asks to be reloaded
	candidate candidate
	files     watch.Snapshot // as they were right before they were read
	at        time.Time
	loaded    *config.Profile // nil where the policies were given in code
}

// howToChoose says how a profile is chosen.
const howToChoose = "set CLAD_PROFILE or APP_ENV, or name one with module.WithProfile"

// unchosen reports whether nobody chose a profile.
func (o *options) unchosen() bool {
	_, variable := profilename.Choose(o.profile, os.Environ())
	return o.profile == "" && variable == ""
}

func (o *options) load() (profile, error) {
	now := time.Now()
	if o.catalog != nil {
		return profile{name: "(given in code)", catalog: o.withStandard(*o.catalog), standard: o.standard, candidate: o.loadCandidate("", ""), at: now}, nil
	}
	watched := o.shadowed.Load()
	files := o.watched().Look()
	where := "the given file system"
	if o.fsys == nil {
		where = o.dir
		if info, err := os.Stat(o.dir); err != nil {
			return profile{}, fmt.Errorf("the directory of the profiles: %w; name another with module.WithConfigDir, or embed the files and use module.WithFS", err)
		} else if !info.IsDir() {
			return profile{}, fmt.Errorf("the directory of the profiles: %s is a file", o.dir)
		}
	}
	unchosen := o.unchosen()
	if unchosen && o.chosen {
		there, _ := config.Profiles(o.files())
		return profile{}, fmt.Errorf("nobody chose a profile, which module.RequireProfile asks for: %s; there are: %s", howToChoose, suggest.Few(there))
	}
	p, err := config.Loader{Errors: container.ErrorNames(o.container...), Standard: o.standard}.Load(o.files(), o.profile, os.Environ())
	var mistakes config.Mistakes
	if errors.As(err, &mistakes) { // each on its line begins with its place
		return profile{}, fmt.Errorf("mistakes in the profile:\n%w", err)
	}
	if err != nil {
		return profile{}, fmt.Errorf("in %s: %w", where, err)
	}
	shadow := o.loadCandidate(p.Name(), p.Shadow())
	if shadow.name != "" && (watched == nil || *watched != shadow.name) {
		return o.load() // once more, with its files among those that are watched
	}
	return profile{p.Name(), unchosen, p.Catalog(), o.standard || p.Standard(), p.Reload(), shadow, files, now, p}, nil
}

// files is the directory of the profiles.
func (o *options) files() fs.FS {
	if o.fsys != nil {
		return o.fsys
	}
	return config.Dir(o.dir)
}

type option func(*options)

func (f option) apply(o *options) { f(o) }

// WithConfigDir reads the profiles from a directory other than "configs".
func WithConfigDir(dir string) Option { return option(func(o *options) { o.dir = dir }) }

// WithFS reads the profiles from the root of a file system: of go:embed, say.
func WithFS(fsys fs.FS) Option { return option(func(o *options) { o.fsys = fsys }) }

// WithProfile names the profile, whatever the environment says.
func WithProfile(name string) Option { return option(func(o *options) { o.profile = name }) }

// RequireProfile makes it an error that nobody chose a profile, by [WithProfile],
// CLAD_PROFILE or APP_ENV: without it the default, "development", is taken, and a
// warning logged. It asks nothing of policies given in code.
func RequireProfile() Option { return option(func(o *options) { o.chosen = true }) }

// WithCatalog takes the policies from code in place of a profile.
func WithCatalog(c policy.Catalog) Option { return option(func(o *options) { o.catalog = &c }) }

// WithLogger takes another logger than slog.Default().
func WithLogger(log *slog.Logger) Option { return option(func(o *options) { o.log = log }) }

// WithErrors makes errors known by the names that the errors of a policy may use
// for them; see [container.WithErrors]. A name in a profile that is neither one of
// these nor of a client that clad knows is a mistake of the profile.
func WithErrors(named map[string]error) Option { return WithContainer(container.WithErrors(named)) }

// WithStore has shared breakers and limiters share what they know with the other
// instances that use the same store; see [container.WithStore].
func WithStore(s container.Store) Option { return WithContainer(container.WithStore(s)) }

// WithContainer hands options to the orchestrator: container.OnTransition, say.
func WithContainer(opts ...container.Option) Option {
	return option(func(o *options) { o.container = append(o.container, opts...) })
}
