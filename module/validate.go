package module

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/constructor"
	"github.com/cladgo/clad/internal/needs"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"
)

// Validate reports everything that would keep an application from starting, for
// its own tests: what fx.ValidateApp finds, mistakes in the profile, and tags
// that name a policy which does not exist, with what was probably meant. What
// startup only warns of is an error too: services of the profile that nothing
// tagged provides, and bare values in the place of tagged ones, by fx.Replace or a
// decorator that does not take what it decorates. The options are those of fx.New, [New] among them.
//
//	func TestProfiles(t *testing.T) {
//		for _, profile := range []string{"production", "development"} {
//			clad := module.New(module.WithConfigDir("../configs"), module.WithProfile(profile))
//			if err := module.Validate(clad, app.Options); err != nil {
//				t.Error(err)
//			}
//		}
//	}
//
// It runs nothing of the application: no constructor, decorator, invoked
// function or hook. So it can't tell whether a method of the profile's services
// exists, nor what only a constructor knows.
func Validate(opts ...fx.Option) error {
	err := fx.ValidateApp(append(slices.Clip(opts), fx.Logger(silence{}))...)
	found, complete := inspect(opts)
	if !complete {
		if err == nil || strings.Contains(err.Error(), missing[*container.Orchestrator](needs.Module)) {
			return errors.New("clad: there is no module.New among the options: add module.New()")
		}
		return err
	}
	if found.tell(err) {
		err = nil // we say it better
	}
	return errors.Join(errors.Join(asErrors(found.tags)...), errors.Join(asErrors(found.needs)...),
		errors.Join(found.services...), errors.Join(asErrors(found.bare)...), found.catalog, err)
}

// tell reports whether an error of Fx tells only of what is missing because of
// the mistakes found.
func (f findings) tell(err error) bool {
	if err == nil {
		return false
	}
	_, list, ok := strings.Cut(err.Error(), ": missing type")
	if !ok {
		return false
	}
	list = strings.TrimPrefix(strings.TrimPrefix(list, "s"), ": ")
	for _, tag := range f.tags {
		list = strings.ReplaceAll(list, tag.missing(), "")
	}
	for _, need := range f.needs {
		list = strings.ReplaceAll(list, need.missing(), "")
	}
	return strings.Trim(list, "; ") == ""
}

// blueprint is what New made the application's module of. It depends on nothing,
// so that looking at it runs nothing else.
type blueprint struct {
	catalog   policy.Catalog
	candidate candidate
}

// findings are mistakes that fx.ValidateApp does not find.
type findings struct {
	catalog  error
	tags     []unknownPolicy
	needs    []unmetNeed
	services []error
	bare     []bare
}

// inspect builds an application so far that its graph is there, and no further.
// What fx runs first of all is the constructor of its logger, before those of
// modules, decorators and invoked functions. Ours looks at the graph and ends
// the goroutine: the one way out that fx does not answer by going on. It is not
// complete if fx did not get that far, or New is not among the options.
func inspect(opts []fx.Option) (found findings, complete bool) {
	type parts struct {
		fx.In
		Graph     fx.DotGraph
		App       fx.Shutdowner
		Blueprint *blueprint `optional:"true"`
	}
	look := fx.WithLogger(func(p parts) fxevent.Logger {
		if p.Blueprint != nil {
			g := graphOf(p.Graph)
			found, complete = p.Blueprint.check(g), true
			found.bare = g.bare(constructor.Decorators(p.App))
		}
		runtime.Goexit()
		return nil
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		fx.New(append(slices.Clip(opts), fx.Logger(silence{}), look)...)
	}()
	<-ended
	return found, complete
}

func (b *blueprint) check(g graph) findings {
	found := findings{tags: g.unknownPolicies(b.catalog), needs: g.unmetNeeds(), services: g.mistakenServices(b.catalog)}
	if _, err := container.NewOrchestrator(b.catalog); err != nil {
		found.catalog = fmt.Errorf("clad: %w", err)
	}
	if err := b.candidate.missing(g); err != nil {
		found.services = append(found.services, err)
	}
	return found
}

// silence is an fx.Printer that prints nothing.
type silence struct{}

func (silence) Printf(string, ...any) {}
