package module

import (
	"errors"

	"github.com/cladgo/clad/internal/constructor"
	"go.uber.org/fx"
)

// checkTags looks through the graph for tagged constructors that name a policy
// which does not exist, or need a proxy that is not registered. Fx would report
// one that is needed, and only what is missing; this reports all of them, and how
// to mend them. Of what takes the place of a tagged value it warns.
func (o *options) checkTags(p profile) any {
	return func(dot fx.DotGraph, app fx.Shutdowner) error {
		g := graphOf(dot)
		for _, b := range g.bare(constructor.Decorators(app)) {
			o.log.Warn(b.message(), "service", b.service.typ, "by", b.what, "at", b.at, "constructor", b.constructor.name)
		}
		return errors.Join(errors.Join(asErrors(g.unknownPolicies(p.catalog))...), errors.Join(asErrors(g.unmetNeeds())...), p.candidate.missing(g))
	}
}
