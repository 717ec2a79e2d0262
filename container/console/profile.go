package console

import (
	"maps"
	"slices"
	"strconv"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// fullProfile is what is in force, with its settings.
func (c *console) fullProfile() Profile {
	p := c.settings.profile()
	if p.Settings == nil {
		p.Settings = settingsOf(c.o)
	}
	p.ProfileStatus = shownStatus(p.ProfileStatus)
	return p
}

func shownStatus(s ProfileStatus) ProfileStatus {
	s.Error = cut(plain(s.Error), maxError)
	return s
}

// maxError is how much of the mistakes of a profile is shown, in bytes.
const maxError = 2000

// settingsOf describes what is in force where nobody knows where it comes from.
func settingsOf(o *container.Orchestrator) []Setting {
	c := o.Catalog()
	settings := []Setting{}
	add := func(value string, path ...string) {
		settings = append(settings, Setting{Path: path, Value: value, Origin: "code"})
	}
	for _, name := range slices.Sorted(maps.Keys(c.CircuitBreakers)) {
		add(c.CircuitBreakers[name].WithDefaults().String(), "circuit_breakers", name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.RateLimiters)) {
		add(c.RateLimiters[name].WithDefaults().String(), "rate_limiters", name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Bulkheads)) {
		add(c.Bulkheads[name].String(), "bulkheads", name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Policies)) {
		layers := policy.Layers(c.Policies[name])
		if len(layers) == 0 {
			add("none", "policies", name)
		}
		for n, layer := range layers {
			add(layer.String(), "policies", name, strconv.Itoa(n+1))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		s := c.Services[name]
		if s.Policy != "" {
			add(s.Policy, "services", name, "policy")
		}
		if s.Critical {
			add("true", "services", name, "critical")
		}
		for _, method := range slices.Sorted(maps.Keys(s.Methods)) {
			add(s.Methods[method], "services", name, "methods", method)
		}
	}
	return settings
}
