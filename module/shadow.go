package module

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// WithShadow has another profile's policies reckoned beside those in force, on the same
// calls and without acting: a dry run, whose results [container.Orchestrator.Shadow]
// tells. A profile may ask for the same with "shadow: candidate", which this beats.
// The candidate is read as if it were in force, the environment's CLAD__ variables
// included. At startup its mistakes are the application's; where it is reloaded with the
// profile, one that is not sound is logged, and the last good one stays.
func WithShadow(profile string) Option { return option(func(o *options) { o.shadow = profile }) }

// candidate is the profile of a dry run; without a name there is none.
type candidate struct {
	name    string
	catalog policy.Catalog
	err     error // why it can't be used
}

// loadCandidate reads the profile of the dry run that a profile asks for.
func (o *options) loadCandidate(inForce, asked string) (c candidate) {
	c.name = asked
	if o.shadow != "" {
		c.name = o.shadow
	}
	o.shadowed.Store(&c.name)
	if c.name == "" {
		return c
	}
	defer func() {
		if c.err != nil {
			c.err = fmt.Errorf("the dry run of profile %q: %w", c.name, c.err)
		}
	}()
	if c.name == inForce {
		c.err = errors.New("that is the profile in force")
		return c
	}
	p, err := config.Loader{Errors: container.ErrorNames(o.container...), Standard: o.standard}.Load(o.files(), c.name, os.Environ())
	var mistakes config.Mistakes
	if errors.As(err, &mistakes) {
		err = fmt.Errorf("mistakes in it:\n%w", err)
	}
	if err != nil {
		c.err = err
		return c
	}
	c.catalog = p.Catalog()
	return c
}

// begin has the orchestrator rehearse the candidate.
func (c candidate) begin(o *container.Orchestrator) error {
	if c.err != nil {
		return c.err
	}
	return o.SetShadow(c.name, c.catalog)
}

// rehearse puts the candidate that was read with a profile beside it. A dry run that
// can't be had keeps nothing else from being put in force.
func (r *Reloader) rehearse(ctx context.Context, c candidate) {
	err := c.begin(r.orchestrator)
	text := ""
	if err != nil {
		text = err.Error()
		if text != r.unrehearsed {
			r.log.ErrorContext(ctx, "the dry run was not reloaded: the last good candidate stays", "mistake", text)
		}
	}
	r.unrehearsed = text
}

// missing reports tags that the candidate has no policy for.
func (c candidate) missing(g graph) error {
	var errs []error
	if c.name == "" {
		return nil // and New reports one that can't be read
	}
	for _, u := range g.unknownPolicies(c.catalog) {
		errs = append(errs, fmt.Errorf("the dry run of profile %q: %w", c.name, u))
	}
	return errors.Join(errs...)
}
