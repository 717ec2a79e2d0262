package config

import (
	"maps"

	"github.com/cladgo/clad/policy"
)

// Profile is a profile that was loaded and found sound. It never changes and is
// safe for use by many goroutines.
type Profile struct {
	name    string
	root    place // merged, with nothing left to inherit
	catalog policy.Catalog
}

// Name returns the profile's name, such as "production".
func (p *Profile) Name() string { return p.name }

// Reload reports whether the profile asks for its files to be watched, and every
// sound change of them to be put in force while running. The default is false.
func (p *Profile) Reload() bool { return p.root.field(reload).boolean() }

// Shadow returns the name of the profile that is to be reckoned beside this one,
// without acting; empty where there is none. See container.Shadow.
func (p *Profile) Shadow() string {
	if at := p.root.field(shadow); at.isSet() && !at.isRemoved() && at.text() != p.name {
		return at.text()
	}
	return ""
}

// Standard reports whether the profile asks for the standard policy. The default is
// false.
func (p *Profile) Standard() bool { return p.root.field(standard).boolean() }

// Catalog returns what the profile says as plain values, defaults filled in.
//
// A policy that names a breaker, limiter or bulkhead holds one with only its Name
// set, and what bears the name is in CircuitBreakers, RateLimiters or Bulkheads,
// also where a policy both describes and names it. The maps are the caller's own.
func (p *Profile) Catalog() policy.Catalog {
	c := policy.Catalog{
		CircuitBreakers: maps.Clone(p.catalog.CircuitBreakers),
		RateLimiters:    maps.Clone(p.catalog.RateLimiters),
		Bulkheads:       maps.Clone(p.catalog.Bulkheads),
		Policies:        maps.Clone(p.catalog.Policies),
		Services:        maps.Clone(p.catalog.Services),
	}
	for id, s := range c.Services {
		s.Methods = maps.Clone(s.Methods)
		c.Services[id] = s
	}
	return c
}
